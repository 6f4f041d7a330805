select n.nspname,
       c.relname,
       pg_get_userbyid(c.relowner),
       pg_get_viewdef(c.oid)
from pg_catalog.pg_class c
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v'
