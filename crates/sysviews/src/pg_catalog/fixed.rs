//! Tables of `pg_catalog` whose rows are properties of the system itself: access methods,
//! languages, table spaces, operators. And those of PostgreSQL's objects that a warehouse never
//! has (indexes, triggers, inheritance): clients ask for them, and they are truly empty.

use crate::prelude::*;

macro_rules! empty {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $oid:literal, $hidden:literal, [$(($column:literal, $type:expr)),* $(,)?];)*) => {
        $($(#[$doc])* pub static $id: SystemRelation = {
            const COLUMNS: Columns = &[$(($column, $type)),*];
            fn rows(_: &SystemContext) -> Result<RecordBatch> {
                Rows::new(COLUMNS).finish()
            }
            SystemRelation::primitive($name, $oid, COLUMNS, rows).hidden($hidden)
        };)*
        /// All of them.
        pub const EMPTY: &[&SystemRelation] = &[$(&$id),*];
    };
}

empty! {
    /// There are no indexes.
    PG_INDEX = "pg_index", 2610, 6, [
        ("indisvalid", Bool), ("indisready", Bool), ("indisreplident", Bool),
        ("indoption", Int2Vector), ("indcollation", OidVector), ("indimmediate", Bool),
        ("indexrelid", SqlType::Oid), ("indrelid", SqlType::Oid), ("indkey", Int2Vector),
        ("indclass", OidVector), ("indnatts", Int2), ("indisunique", Bool), ("indisprimary", Bool),
        ("indisclustered", Bool), ("indexprs", Text), ("indpred", Text),
    ];
    /// There is no inheritance.
    PG_INHERITS = "pg_inherits", 2611, 0, [
        ("inhrelid", SqlType::Oid), ("inhparent", SqlType::Oid), ("inhseqno", Int4),
    ];
    /// There are no triggers.
    PG_TRIGGER = "pg_trigger", 2620, 4, [
        ("oid", SqlType::Oid), ("tgisinternal", Bool), ("tgenabled", CharByte), ("tgconstraint", SqlType::Oid),
        ("tgrelid", SqlType::Oid), ("tgname", Name), ("tgfoid", SqlType::Oid), ("tgtype", Int2),
        ("tgisconstraint", Bool), ("tgconstrname", Name), ("tgconstrrelid", SqlType::Oid),
        ("tgdeferrable", Bool), ("tginitdeferred", Bool), ("tgnargs", Int2), ("tgattr", Int2Vector),
        ("tgargs", Text),
    ];
    /// Strings compare by bytes; there are no collations to choose from.
    PG_COLLATION = "pg_collation", 3456, 1, [
        ("oid", SqlType::Oid), ("collname", Name), ("collnamespace", SqlType::Oid), ("collowner", Int4),
        ("collencoding", Int4), ("collcollate", Name), ("collctype", Name),
    ];
    /// Casts are not kept in a table.
    PG_CAST = "pg_cast", 2605, 1, [
        ("oid", SqlType::Oid), ("castsource", SqlType::Oid), ("casttarget", SqlType::Oid),
        ("castfunc", SqlType::Oid), ("castcontext", CharByte),
    ];
    /// There are no external schemas.
    PG_EXTERNAL_SCHEMA = "pg_external_schema", 10_010, 0, [
        ("esoid", SqlType::Oid), ("eskind", Int4), ("esdbname", Text), ("esoptions", Text),
    ];
    /// There are no user-defined libraries.
    PG_LIBRARY = "pg_library", 10_011, 0, [
        ("name", Name), ("language_oid", SqlType::Oid), ("file_store_id", Int4), ("owner", Int4),
    ];
    /// There are no default privileges.
    PG_DEFAULT_ACL = "pg_default_acl", 10_012, 0, [
        ("defacluser", Int4), ("defaclnamespace", SqlType::Oid), ("defaclobjtype", CharByte),
        ("defaclacl", AclItemArray),
    ];
    /// There are no enumerated types.
    PG_ENUM = "pg_enum", 3501, 1, [
        ("oid", SqlType::Oid), ("enumtypid", SqlType::Oid), ("enumsortorder", Float4), ("enumlabel", Name),
    ];
    /// There are no extensions.
    PG_EXTENSION = "pg_extension", 3079, 1, [
        ("oid", SqlType::Oid), ("extname", Name), ("extowner", Int4), ("extnamespace", SqlType::Oid),
        ("extrelocatable", Bool), ("extversion", Text),
    ];
    /// Comments on shared objects are not kept apart.
    PG_SHDESCRIPTION = "pg_shdescription", 2396, 0, [
        ("objoid", SqlType::Oid), ("classoid", SqlType::Oid), ("description", Text),
    ];
}

pub static PG_AM: SystemRelation =
    SystemRelation::primitive("pg_am", 2601, PG_AM_COLUMNS, pg_am).hidden(1);
const PG_AM_COLUMNS: Columns = &[("oid", SqlType::Oid), ("amname", Name), ("amowner", Int4)];
fn pg_am(_: &SystemContext) -> Result<RecordBatch> {
    Rows::new(PG_AM_COLUMNS).finish()
}

pub static PG_LANGUAGE: SystemRelation =
    SystemRelation::primitive("pg_language", 2612, PG_LANGUAGE_COLUMNS, pg_language).hidden(1);
const PG_LANGUAGE_COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    ("lanname", Name),
    ("lanispl", Bool),
    ("lanpltrusted", Bool),
    ("lanplcallfoid", SqlType::Oid),
    ("lanvalidator", SqlType::Oid),
    ("lanacl", AclItemArray),
];
fn pg_language(_: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(PG_LANGUAGE_COLUMNS);
    rows.push(row![12, "internal", false, false, 0, 0, Cell::Null]);
    rows.finish()
}

pub static PG_TABLESPACE: SystemRelation =
    SystemRelation::primitive("pg_tablespace", 1213, PG_TABLESPACE_COLUMNS, pg_tablespace)
        .hidden(1);
const PG_TABLESPACE_COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    ("spcname", Name),
    ("spcowner", Int4),
    ("spclocation", Text),
    ("spcacl", AclItemArray),
];
fn pg_tablespace(_: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(PG_TABLESPACE_COLUMNS);
    for (oid, name) in [(1663, "pg_default"), (1664, "pg_global")] {
        rows.push(row![oid, name, BOOTSTRAP_USER, "", Cell::Null]);
    }
    rows.finish()
}
