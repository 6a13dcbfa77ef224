SELECT E'a'
'b\';c' AS continued;
CREATE FUNCTION begin(case_ int) RETURNS int LANGUAGE sql RETURN case_; SELECT 1;
CREATE FUNCTION labels() RETURNS int LANGUAGE sql BEGIN ATOMIC
    SELECT s.end FROM (SELECT 1 AS end, 2 AS begin, 3 AS case) s;
END; SELECT labels();
DROP FUNCTION labels; DROP FUNCTION begin;
