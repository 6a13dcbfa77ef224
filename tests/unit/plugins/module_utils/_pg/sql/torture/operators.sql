SELECT 1 <> 2, 1 != 2, 5 % 2, -1, +1, 2^3, 1::int, 1<=2;
SELECT 1.5e10, .5, 5., 1e-3, 0x1F, 0b11, 0o17, 1_000, 1.5E+3;
SELECT '{"a;": 1}'::jsonb @> '{}'::jsonb, '[1]'::jsonb -> 0, '{"a":{"b":1}}'::jsonb #>> '{a,b}', '{"a":1}'::jsonb ? 'a';
SELECT (ARRAY[1,2,3])[1:2], (ARRAY[1,2,3])[:2]; SELECT 1 AS x;
SELECT 'a' || ';' || 'b' , @ -5 , |/ 4.0, ~1, 1 # 2, 3 & 1, 1 << 2;
CREATE OPERATOR <-;
SELECT 1 AS a WHERE 'x' ~ '^;$' OR 'x' !~* ';';
