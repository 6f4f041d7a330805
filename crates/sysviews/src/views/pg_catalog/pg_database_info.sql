select datname,
       datdba,
       encoding,
       datistemplate,
       datallowconn,
       datlastsysoid,
       datvacuumxid,
       datfrozenxid,
       dattablespace,
       datconfig,
       datacl,
       oid,
       case when datconnlimit < 0 then 'UNLIMITED' else datconnlimit::varchar end
from pg_catalog.pg_database
