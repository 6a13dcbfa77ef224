--
-- PostgreSQL database dump
--

\restrict hNvJx2cYAbCdEf0123456789

SET standard_conforming_strings = on;
SELECT 1;

\unrestrict hNvJx2cYAbCdEf0123456789

