select n.nspname,
       c.relname,
       pg_get_userbyid(c.relowner),
       null,
       c.relhasindex,
       c.relhasrules,
       c.relhastriggers
from pg_catalog.pg_class c
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r'
