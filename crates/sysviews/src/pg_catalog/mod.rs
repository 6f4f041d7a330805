//! Primitive tables of `pg_catalog`, one file each.

use crate::relation::SystemRelation;

mod fixed;
mod pg_attrdef;
mod pg_attribute;
mod pg_auth_members;
mod pg_class;
mod pg_constraint;
mod pg_database;
mod pg_depend;
mod pg_description;
mod pg_group;
mod pg_namespace;
mod pg_proc;
mod pg_rewrite;
mod pg_roles;
mod pg_settings;
mod pg_shadow;
mod pg_table_def;
mod pg_type;
mod pg_user;
mod pg_user_info;
mod views;

pub use fixed::EMPTY;
pub use pg_attribute::sort_key_position;
pub use pg_proc::FIRST_FUNCTION;
pub use views::VIEWS;

/// The list.
pub const RELATIONS: &[&SystemRelation] = &[
    &fixed::PG_AM,
    &fixed::PG_LANGUAGE,
    &fixed::PG_TABLESPACE,
    &pg_attrdef::RELATION,
    &pg_attribute::RELATION,
    &pg_auth_members::RELATION,
    &pg_class::RELATION,
    &pg_constraint::RELATION,
    &pg_database::RELATION,
    &pg_depend::RELATION,
    &pg_description::RELATION,
    &pg_group::RELATION,
    &pg_namespace::RELATION,
    &pg_proc::RELATION,
    &pg_rewrite::RELATION,
    &pg_roles::RELATION,
    &pg_settings::RELATION,
    &pg_shadow::RELATION,
    &pg_table_def::RELATION,
    &pg_type::RELATION,
    &pg_user::RELATION,
    &pg_user_info::RELATION,
];
