//! `svv_redshift_databases`: the databases.

use lw_catalog::Isolation;

use crate::prelude::*;

pub static SVV_REDSHIFT_DATABASES: SystemRelation =
    SystemRelation::primitive("svv_redshift_databases", 10_125, COLUMNS, rows);

const COLUMNS: Columns = &[
    ("database_name", Varchar(128)),
    ("database_owner", Int4),
    ("database_type", Varchar(32)),
    ("database_acl", Varchar(128)),
    ("database_options", Varchar(128)),
    ("database_isolation_level", Varchar(128)),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for database in ctx.session.catalog.databases() {
        let isolation = match database.isolation {
            Isolation::Serializable => "Serializable",
            Isolation::Snapshot => "Snapshot Isolation",
        };
        rows.push(row![
            &database.name,
            database.owner,
            "local",
            Cell::Null,
            Cell::Null,
            isolation,
        ]);
    }
    rows.finish()
}
