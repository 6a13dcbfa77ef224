SELECT été AS naïve FROM (SELECT 1 AS été) s; SELECT ‘;
SELECT '😀;', 日本$x$;
SELECT 1 ; SELECT 2
;
SELECT 3 -- comment ends at CR, 4;
SELECT5;