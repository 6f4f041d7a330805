//! Primitive tables of `pg_catalog`, one file each.

use crate::relation::SystemRelation;

mod pg_class;
mod pg_namespace;

/// The list.
pub const RELATIONS: &[&SystemRelation] = &[&pg_class::RELATION, &pg_namespace::RELATION];
