-- quotes; in; comments
SELECT 'a;b', 'it''s; fine', '', '''';
SELECT E'a\';b', e'\\', E'\\\';', E'two
lines;\' more';
SELECT U&'d\0061t;a', U&'!;' UESCAPE '!!', u&"a;b" FROM (SELECT 1 AS "a;b") s;
SELECT 1 AS "semi;colon", 2 AS "dou""ble;", 3 AS """;";
SELECT B'101', X'1F;', x'0f', N'na;t';
SELECT 'first' -- a comment; between
  'second;' 'never' ;
SELECT 'a'
'b;c'   
	'd;';
SELECT 'back\';
SELECT 'slash\\;';
SELECT fooE'no;t escape\', 1;
SELECT 1 AS u&1;
SELECT 'x'/* no continuation */'y;';
