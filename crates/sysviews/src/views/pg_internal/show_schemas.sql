select database_name,
       schema_name,
       schema_owner,
       schema_type,
       schema_acl,
       source_database,
       schema_option
from pg_catalog.svv_all_schemas
