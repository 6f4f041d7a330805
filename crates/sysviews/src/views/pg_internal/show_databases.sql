select database_name,
       database_owner,
       database_type,
       database_acl,
       database_options,
       database_isolation_level
from pg_catalog.svv_redshift_databases
