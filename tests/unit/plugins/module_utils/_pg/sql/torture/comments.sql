/* leading; */ SELECT 1 /* inside; /* nested; */ still; */ + 1; -- trailing; 'comment
/**/SELECT/**/2/***/;/*/*/**/*//**/*/SELECT 3; /***/ SELECT/*/**/*/33;
SELECT 4 --'
, 5 -- "
;
SELECT 1 */*;*/ 2;
SELECT 1 - -1, 2 +--;
3;
SELECT '--', '/*', "--" FROM (SELECT 1 AS "--") s; SELECT '*/';
/* a
   comment; over
   -- lines */
;
;;
-- nothing but this;
SELECT 6 /* end */
/* last; */
