CREATE FUNCTION plain() RETURNS int LANGUAGE sql RETURN 1;
CREATE FUNCTION one(a int, b int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT $1 + b; END; SELECT 1;
CREATE OR REPLACE FUNCTION two(a int) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT CASE WHEN $1 > 0 THEN 'plus; END' ELSE CASE a WHEN 0 THEN 'zero' ELSE 'minus' END END;
    SELECT (CASE WHEN true THEN 'x' END);
    SELECT 'last';
END;
CREATE TABLE body_log (id int, note text);
CREATE PROCEDURE three(n int) LANGUAGE sql
BEGIN -- a comment; here
  ATOMIC INSERT INTO body_log VALUES (n, 'a');
  /* END; */ INSERT INTO body_log SELECT n, CASE n WHEN 1 THEN 'b' END; END
;
create or replace procedure four() language sql begin atomic end;
CREATE FUNCTION five() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF true THEN RETURN NEW; END IF; END $$;
CREATE FUNCTION "begin atomic"() RETURNS int LANGUAGE sql AS 'SELECT 1; SELECT 2';
BEGIN; SELECT CASE WHEN true THEN 1 END; END;
BEGIN ATOMIC; SELECT 2;
DROP FUNCTION plain, one, two, five, "begin atomic"; DROP PROCEDURE three, four; DROP TABLE body_log;
