//! Primitive `svv_` tables: metadata and the state of storage, one file each.

use crate::relation::SystemRelation;

mod columns;
mod databases;
mod external;
mod privileges;
mod schemas;
mod storage;
mod table_info;
mod tables;
mod users;

pub use privileges::grants;
pub use table_info::dist_style_text;

/// The list.
pub const RELATIONS: &[&SystemRelation] = &[
    &columns::SVV_COLUMNS,
    &columns::SVV_ALL_COLUMNS,
    &columns::SVV_REDSHIFT_COLUMNS,
    &databases::SVV_REDSHIFT_DATABASES,
    &privileges::SVV_RELATION_PRIVILEGES,
    &privileges::SVV_SCHEMA_PRIVILEGES,
    &schemas::SVV_ALL_SCHEMAS,
    &schemas::SVV_REDSHIFT_SCHEMAS,
    &storage::STV_SLICES,
    &storage::STV_TBL_PERM,
    &storage::SVV_SCHEMA_QUOTA_STATE,
    &table_info::RELATION,
    &tables::SVV_TABLES,
    &tables::SVV_ALL_TABLES,
    &tables::SVV_REDSHIFT_TABLES,
    &users::SVV_USER_INFO,
    &users::SVL_USER_INFO,
];

pub use external::EMPTY;
