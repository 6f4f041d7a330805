//! The information schema: the SQL standard's own views of metadata.

use crate::listing::{Listed, current_database, yes_no};
use crate::prelude::*;

mod columns;
mod constraints;
mod tables;

/// The list.
pub const RELATIONS: &[&SystemRelation] = &[
    &columns::COLUMNS,
    &constraints::TABLE_CONSTRAINTS,
    &constraints::KEY_COLUMN_USAGE,
    &constraints::CONSTRAINT_COLUMN_USAGE,
    &constraints::REFERENTIAL_CONSTRAINTS,
    &tables::TABLES,
    &tables::VIEWS,
    &tables::SCHEMATA,
    &tables::TABLE_PRIVILEGES,
    &tables::CATALOG_NAME,
    &tables::ROUTINES,
];
