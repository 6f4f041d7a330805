//! `pg_settings`: the table of settings with the session's values.

use lw_settings::params::{self, Kind};

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_settings", 10_040, COLUMNS, rows);

const COLUMNS: Columns = &[
    ("name", Text),
    ("setting", Text),
    ("category", Text),
    ("short_desc", Text),
    ("extra_desc", Text),
    ("context", Text),
    ("vartype", Text),
    ("source", Text),
    ("min_val", Text),
    ("max_val", Text),
];

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    let settings = &ctx.session.settings;
    for setting in params::all() {
        let (least, most) = match setting.kind {
            Kind::Integer(least, most) => (Some(least.to_string()), Some(most.to_string())),
            Kind::Real(least, most) => (Some(least.to_string()), Some(most.to_string())),
            _ => (None, None),
        };
        let own = settings.0.contains_key(setting.name);
        rows.push(row![
            setting.shown,
            settings.get(setting.name).unwrap_or(setting.default),
            Cell::Null,
            setting.description,
            Cell::Null,
            setting.context.name(),
            setting.kind.vartype(),
            if own { "session" } else { "default" },
            least,
            most,
        ]);
    }
    rows.finish()
}
