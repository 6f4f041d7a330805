//! The list of system relations.

use std::collections::HashMap;
use std::sync::LazyLock;

use lw_base::Oid;

use crate::relation::SystemRelation;
use crate::{information_schema, internal, live, logs, pg_catalog, svv};

static ALL: LazyLock<Vec<&'static SystemRelation>> = LazyLock::new(|| {
    let mut all = Vec::new();
    all.extend_from_slice(pg_catalog::RELATIONS);
    all.extend_from_slice(pg_catalog::EMPTY);
    all.extend_from_slice(pg_catalog::VIEWS);
    all.extend_from_slice(internal::RELATIONS);
    all.extend_from_slice(information_schema::RELATIONS);
    all.extend_from_slice(svv::RELATIONS);
    all.extend_from_slice(svv::EMPTY);
    all.extend_from_slice(logs::RELATIONS);
    all.extend_from_slice(live::RELATIONS);
    all
});

static BY_NAME: LazyLock<HashMap<(&'static str, &'static str), &'static SystemRelation>> =
    LazyLock::new(|| ALL.iter().map(|r| ((r.schema, r.name), *r)).collect());

/// Every system relation.
pub fn all() -> &'static [&'static SystemRelation] {
    &ALL
}

/// Every system relation that clients see.
pub(crate) fn published() -> impl Iterator<Item = &'static SystemRelation> {
    all()
        .iter()
        .filter(|r| r.schema != crate::INTERNAL_SCHEMA)
        .copied()
}

/// The relation of this schema with this name.
pub fn lookup(schema: &str, name: &str) -> Option<&'static SystemRelation> {
    BY_NAME.get(&(schema, name)).copied()
}

/// The relation with this id.
pub fn lookup_oid(oid: Oid) -> Option<&'static SystemRelation> {
    ALL.iter().find(|r| r.oid == oid).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::relation::Body;
    use crate::test_support;

    #[test]
    fn names_and_ids_are_unique_and_columns_too() {
        let mut oids = HashSet::new();
        assert_eq!(BY_NAME.len(), ALL.len(), "a name is used twice");
        for relation in all() {
            assert!(oids.insert(relation.oid), "{} shares its id", relation.name);
            assert!(relation.oid < Oid::FIRST_USER);
            let names: HashSet<_> = relation.columns.iter().map(|(n, _)| n).collect();
            assert_eq!(names.len(), relation.columns.len(), "{}", relation.name);
        }
    }

    #[test]
    fn every_primitive_gives_its_columns() {
        let ctx = test_support::context();
        for relation in all() {
            if let Body::Primitive(rows) = relation.body {
                let batch = rows(&ctx).unwrap_or_else(|e| panic!("{}: {e}", relation.name));
                assert_eq!(batch.schema(), relation.arrow_schema(), "{}", relation.name);
            }
        }
    }
}
