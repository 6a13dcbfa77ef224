SELECT $$a;b$$, $tag$ ; $$ ; $other$ ; $tag$, $_1é$;$_1é$;
PREPARE p AS SELECT $1::int + $2::int; SELECT 1;
CREATE TABLE a$b$c (x$1 int, y$$ int); SELECT x$1, y$$ FROM a$b$c;
DO $do$ BEGIN PERFORM $inner$ ';" $inner$; END $do$;
SELECT $a$ $ab$a$;
SELECT $a$ $$a$;
SELECT $$ ' " /* -- $$ ; SELECT $q$$q$;
SELECT $$
line one;
\not a command
line two; $$
;
DEALLOCATE p;
DROP TABLE a$b$c;
