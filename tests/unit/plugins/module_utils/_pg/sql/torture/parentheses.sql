CREATE TABLE parent (id int);
CREATE TABLE copy_of (id int);
CREATE RULE r AS ON INSERT TO parent DO ALSO (INSERT INTO copy_of VALUES (new.id); DELETE FROM copy_of WHERE id < 0;);
CREATE RULE r2 AS ON DELETE TO parent DO ALSO (
    DELETE FROM copy_of WHERE id = old.id;
    SELECT ')' AS ";)"
);
SELECT (1), ((2)), (SELECT ';)');
SELECT 1); SELECT 2;
SELECT ARRAY[1,2][1:2], '{}'::int[]; SELECT 3;
DROP TABLE parent, copy_of;
