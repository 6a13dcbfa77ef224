create table case_when (begin_at int, "end" int, atomic int);
ALTER TABLE case_when ADD COLUMN function int; CREATE INDEX begin_end ON case_when (begin_at);
CREATE TRIGGER t AFTER INSERT ON case_when EXECUTE FUNCTION suppress_redundant_updates_trigger(); SELECT 1;
CREATE VIEW procedure AS SELECT 1 AS begin; SELECT 2;
DROP VIEW procedure; DROP TABLE case_when;
