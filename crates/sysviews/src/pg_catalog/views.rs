//! Views of `pg_catalog` over its tables.

use crate::prelude::*;

/// All of them.
pub const VIEWS: &[&SystemRelation] = &[
    &PG_ATTRIBUTE_INFO,
    &PG_CLASS_INFO,
    &PG_DATABASE_INFO,
    &PG_TABLES,
    &PG_VIEWS,
];

static PG_TABLES: SystemRelation = SystemRelation::view(
    "pg_tables",
    10_030,
    &[
        ("schemaname", Name),
        ("tablename", Name),
        ("tableowner", Name),
        ("tablespace", Name),
        ("hasindexes", Bool),
        ("hasrules", Bool),
        ("hastriggers", Bool),
    ],
    include_str!("../views/pg_catalog/pg_tables.sql"),
);

static PG_VIEWS: SystemRelation = SystemRelation::view(
    "pg_views",
    10_031,
    &[
        ("schemaname", Name),
        ("viewname", Name),
        ("viewowner", Name),
        ("definition", Text),
    ],
    include_str!("../views/pg_catalog/pg_views.sql"),
);

static PG_CLASS_INFO: SystemRelation = SystemRelation::view(
    "pg_class_info",
    10_032,
    &[
        ("reloid", SqlType::Oid),
        ("relname", Name),
        ("relnamespace", SqlType::Oid),
        ("reltype", SqlType::Oid),
        ("relowner", Int4),
        ("relam", SqlType::Oid),
        ("relfilenode", SqlType::Oid),
        ("reltablespace", SqlType::Oid),
        ("relpages", Int4),
        ("reltuples", Float4),
        ("reltoastrelid", SqlType::Oid),
        ("reltoastidxid", SqlType::Oid),
        ("relhasindex", Bool),
        ("relisshared", Bool),
        ("relkind", CharByte),
        ("relnatts", Int2),
        ("relexternid", SqlType::Oid),
        ("relisreplicated", Bool),
        ("relispinned", Bool),
        ("reldiststyle", Int2),
        ("relprojbaseid", SqlType::Oid),
        ("relchecks", Int2),
        ("reltriggers", Int2),
        ("relukeys", Int2),
        ("relfkeys", Int2),
        ("relrefs", Int2),
        ("relhasoids", Bool),
        ("relhaspkey", Bool),
        ("relhasrules", Bool),
        ("relhassubclass", Bool),
        ("relacl", AclItemArray),
        ("relcreationtime", Timestamp),
        ("releffectivediststyle", Int2),
    ],
    include_str!("../views/pg_catalog/pg_class_info.sql"),
);

static PG_DATABASE_INFO: SystemRelation = SystemRelation::view(
    "pg_database_info",
    10_033,
    &[
        ("datname", Name),
        ("datdba", Int4),
        ("encoding", Int4),
        ("datistemplate", Bool),
        ("datallowconn", Bool),
        ("datlastsysoid", SqlType::Oid),
        ("datvacuumxid", Xid),
        ("datfrozenxid", Xid),
        ("dattablespace", SqlType::Oid),
        ("datconfig", TextArray),
        ("datacl", TextArray),
        ("datid", SqlType::Oid),
        ("datconnlimit", Text),
    ],
    include_str!("../views/pg_catalog/pg_database_info.sql"),
);

static PG_ATTRIBUTE_INFO: SystemRelation = SystemRelation::view(
    "pg_attribute_info",
    10_034,
    &[
        ("attrelid", SqlType::Oid),
        ("attname", Name),
        ("atttypid", SqlType::Oid),
        ("attstattarget", Int4),
        ("attlen", Int2),
        ("attnum", Int2),
        ("attndims", Int4),
        ("attcacheoff", Int4),
        ("atttypmod", Int4),
        ("attbyval", Bool),
        ("attstorage", CharByte),
        ("attalign", CharByte),
        ("attnotnull", Bool),
        ("atthasdef", Bool),
        ("attisdropped", Bool),
        ("attislocal", Bool),
        ("attinhcount", Int4),
        ("attisdistkey", Bool),
        ("attispreloaded", Bool),
        ("attsortkeyord", Int4),
        ("attencodingtype", Int2),
        ("attencrypttype", Int2),
        ("attacl", AclItemArray),
    ],
    include_str!("../views/pg_catalog/pg_attribute_info.sql"),
);
