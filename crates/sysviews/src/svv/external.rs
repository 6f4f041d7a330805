//! Metadata of features that Longwave does not have yet: external schemas, data shares, roles,
//! materialized views. Nothing of the kind can be created, so these are truly empty; tools join
//! them to the rest.

use crate::prelude::*;

macro_rules! empty {
    ($($id:ident = $name:literal, $oid:literal, [$(($column:literal, $type:expr)),* $(,)?];)*) => {
        $(pub static $id: SystemRelation = {
            const COLUMNS: Columns = &[$(($column, $type)),*];
            fn rows(_: &SystemContext) -> Result<RecordBatch> {
                Rows::new(COLUMNS).finish()
            }
            SystemRelation::primitive($name, $oid, COLUMNS, rows)
        };)*
        /// All of them.
        pub const EMPTY: &[&SystemRelation] = &[$(&$id),*];
    };
}

empty! {
    SVV_EXTERNAL_SCHEMAS = "svv_external_schemas", 10_200, [
        ("esoid", SqlType::Oid), ("eskind", Int2), ("schemaname", Name), ("esowner", Int4),
        ("databasename", Text), ("esoptions", Text),
    ];
    SVV_EXTERNAL_TABLES = "svv_external_tables", 10_201, [
        ("redshift_database_name", Text), ("schemaname", Text), ("tablename", Text), ("tabletype", Text),
        ("location", Text), ("input_format", Text), ("output_format", Text),
        ("serialization_lib", Text), ("serde_parameters", Text), ("compressed", Int4), ("parameters", Text),
    ];
    SVV_EXTERNAL_COLUMNS = "svv_external_columns", 10_202, [
        ("redshift_database_name", Text), ("schemaname", Text), ("tablename", Text), ("columnname", Text),
        ("external_type", Text), ("columnnum", Int4), ("part_key", Int4), ("is_nullable", Text),
    ];
    SVV_EXTERNAL_DATABASES = "svv_external_databases", 10_203, [
        ("eskind", Int4), ("esoptions", Text), ("databasename", Text), ("location", Text), ("parameters", Text),
    ];
    SVV_EXTERNAL_PARTITIONS = "svv_external_partitions", 10_204, [
        ("schemaname", Text), ("tablename", Text), ("values", Text), ("location", Text),
        ("input_format", Text), ("output_format", Text), ("serialization_lib", Text),
        ("serde_parameters", Text), ("compressed", Int4), ("parameters", Text),
    ];
    SVV_DATASHARES = "svv_datashares", 10_205, [
        ("share_name", Varchar(128)), ("share_id", Int4), ("share_owner", Int4),
        ("source_database", Varchar(128)), ("consumer_database", Varchar(128)), ("share_type", Varchar(8)),
        ("createdate", Timestamp), ("is_publicaccessible", Bool), ("share_acl", Varchar(256)),
        ("producer_account", Varchar(16)), ("producer_namespace", Varchar(64)), ("managed_by", Varchar(64)),
    ];
    SVV_DATASHARE_OBJECTS = "svv_datashare_objects", 10_206, [
        ("share_type", Varchar(8)), ("share_name", Varchar(128)), ("object_type", Varchar(64)),
        ("object_name", Varchar(512)), ("producer_account", Varchar(16)),
        ("producer_namespace", Varchar(64)), ("include_new", Bool),
    ];
    SVV_ROLES = "svv_roles", 10_207, [
        ("role_id", Int4), ("role_name", Text), ("role_owner", Text), ("external_id", Text),
    ];
    SVV_USER_GRANTS = "svv_user_grants", 10_208, [
        ("user_id", Int4), ("user_name", Text), ("role_id", Int4), ("role_name", Text), ("admin_option", Bool),
    ];
    SVV_ROLE_GRANTS = "svv_role_grants", 10_209, [
        ("role_id", Int4), ("role_name", Text), ("granted_role_id", Int4), ("granted_role_name", Text),
    ];
    SVV_MV_INFO = "svv_mv_info", 10_210, [
        ("database_name", Char(128)), ("schema_name", Char(128)), ("user_name", Char(128)),
        ("name", Char(128)), ("is_stale", Char(1)), ("state", Int4), ("autorewrite", Char(1)),
        ("autorefresh", Char(1)),
    ];
    STV_MV_INFO = "stv_mv_info", 10_211, [
        ("db_name", Char(128)), ("schema", Char(128)), ("name", Char(128)), ("updated_upto_xid", Int8),
        ("is_stale", Char(1)), ("owner_user_name", Char(128)), ("state", Int4), ("autorewrite", Char(1)),
        ("autorefresh", Char(1)),
    ];
    SVV_REDSHIFT_FUNCTIONS = "svv_redshift_functions", 10_212, [
        ("database_name", Varchar(128)), ("schema_name", Varchar(128)), ("function_name", Varchar(128)),
        ("function_type", Varchar(128)), ("argument_type", Varchar(512)), ("result_type", Varchar(128)),
    ];
    SVV_RLS_POLICY = "svv_rls_policy", 10_213, [
        ("poldb", Text), ("polname", Text), ("polalias", Text), ("polatts", Text), ("polqual", Text),
        ("polenabled", Bool), ("polmodifiedby", Text), ("polmodifiedtime", Timestamp),
    ];
    SVV_RLS_ATTACHED_POLICY = "svv_rls_attached_policy", 10_214, [
        ("relschema", Text), ("relname", Text), ("relkind", Text), ("polname", Text), ("grantor", Text),
        ("grantee", Text), ("granteekind", Text), ("is_pol_on", Bool), ("is_rls_on", Bool),
        ("rls_conjuntion_type", Text),
    ];
    SVV_DEFAULT_PRIVILEGES = "svv_default_privileges", 10_215, [
        ("schema_name", Text), ("object_type", Text), ("owner_id", Int4), ("owner_name", Text),
        ("owner_type", Text), ("privilege_type", Text), ("grantee_id", Int4), ("grantee_name", Text),
        ("grantee_type", Text), ("admin_option", Bool),
    ];
    SVV_COLUMN_PRIVILEGES = "svv_column_privileges", 10_216, [
        ("namespace_name", Text), ("relation_name", Text), ("column_name", Text), ("privilege_type", Text),
        ("identity_id", Int4), ("identity_name", Text), ("identity_type", Text), ("admin_option", Bool),
    ];
}
