//! The record of VACUUM and ANALYZE for the system views.

use lw_base::clock;
use lw_catalog::{CatalogSnapshot, Relation, TableData};
use lw_events::MaintenanceRecord;
use lw_storage::regions;

use crate::{Effect, Engine, StatementContext};

/// What is to be recorded once the work is done.
pub(super) struct Begun {
    record: MaintenanceRecord,
}

/// Notes the state of a table before work on it.
pub(super) fn begin(
    kind: &str,
    relation: &Relation,
    data: &TableData,
    ctx: &StatementContext,
) -> Begun {
    let session = &ctx.session;
    let database = session.catalog.database(session.database);
    Begun {
        record: MaintenanceRecord {
            kind: kind.to_string(),
            query_id: session.query_id,
            xid: session.xid,
            user: session.user,
            database_name: database.map(|d| d.name.clone()).unwrap_or_default(),
            table: relation.oid,
            table_name: relation.name.clone(),
            // Deleted rows too: what VACUUM reclaims is the difference.
            rows_before: stored_rows(data),
            sorted_rows_before: data.row_count() - regions::of(relation, data).unsorted_rows(),
            bytes_before: data.bytes(),
            start: clock::now_micros(),
            ..Default::default()
        },
    }
}

impl Begun {
    /// Records the end of the work.
    pub(super) fn end(
        mut self,
        engine: &Engine,
        relation: &Relation,
        effect: &Effect,
        catalog: &CatalogSnapshot,
        status: &str,
    ) {
        let record = &mut self.record;
        record.status = status.to_string();
        record.rows_after = record.rows_before;
        record.sorted_rows_after = record.sorted_rows_before;
        record.bytes_after = record.bytes_before;
        let mut after = catalog.clone();
        // What does not apply is refused at commit.
        if !effect.changes.is_empty() && after.apply_all(&effect.changes).is_ok() {
            let data = after.table_data(relation.oid);
            record.rows_after = stored_rows(&data);
            record.sorted_rows_after =
                data.row_count() - regions::of(relation, &data).unsorted_rows();
            record.bytes_after = data.bytes();
        }
        record.end = clock::now_micros();
        engine.events.record_maintenance(self.record);
    }
}

fn stored_rows(data: &TableData) -> u64 {
    data.segments.values().map(|s| s.rows).sum()
}
