//! `pg_database`: the databases of the warehouse.

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_database", 1262, COLUMNS, rows).hidden(4);

const COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    // Asked for by psql 8.4 and later.
    ("datcollate", Name),
    ("datctype", Name),
    ("datconnlimit", Int4),
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
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for database in ctx.session.catalog.databases() {
        rows.push(row![
            database.oid,
            "C",
            "C",
            database.connection_limit.map_or(-1, i64::from),
            &database.name,
            database.owner,
            6,
            false,
            true,
            Oid::FIRST_USER.0 - 1,
            0,
            0,
            1663,
            Cell::Null,
            Cell::Null,
        ]);
    }
    rows.finish()
}
