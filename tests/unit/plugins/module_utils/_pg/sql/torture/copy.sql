CREATE TABLE loaded (a int, b text);
COPY loaded FROM STDIN;
1	semi;colon
2	quote' and /* no comment
3	$$ not a dollar quote
\N	\\.
\.
SELECT 1; COPY public.loaded (a, b) FROM stdin WITH (FORMAT csv, HEADER false); -- a comment behind it;
4,"x;"
5,"y"
\.

COPY loaded (a) FROM STDIN;
\.
COPY (SELECT a FROM loaded) TO STDOUT; COPY loaded TO STDOUT WITH (NULL $$from stdin$$);
COPY "loaded" FROM STDOUT;
6	grammar takes stdout too
\.
SELECT count(*) FROM loaded;
DROP TABLE loaded