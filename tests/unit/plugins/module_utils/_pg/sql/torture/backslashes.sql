SELECT 'a\'; SELECT 1;
SET standard_conforming_strings = off;
SELECT 'a\';b'; SELECT 'c''\\';
SET LOCAL standard_conforming_strings TO 'on';
RESET standard_conforming_strings;
SELECT 'a\';
SELECT 2;
