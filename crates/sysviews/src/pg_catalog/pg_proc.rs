//! `pg_proc`: the functions there are, from the one list of functions.

use crate::prelude::*;

pub static RELATION: SystemRelation =
    SystemRelation::primitive("pg_proc", 1255, COLUMNS, rows).hidden(3);

const COLUMNS: Columns = &[
    ("oid", SqlType::Oid),
    // Asked for by psql 8.4 and later.
    ("proiswindow", Bool),
    ("proconfig", TextArray),
    ("proname", Name),
    ("pronamespace", SqlType::Oid),
    ("proowner", Int4),
    ("prolang", SqlType::Oid),
    ("proisagg", Bool),
    ("prosecdef", Bool),
    ("proisstrict", Bool),
    ("proretset", Bool),
    ("provolatile", CharByte),
    ("pronargs", Int2),
    ("prorettype", SqlType::Oid),
    ("proargtypes", OidVector),
    ("proargnames", TextArray),
    ("prosrc", Text),
    ("probin", Text),
    ("proacl", AclItemArray),
];

/// Functions are numbered from here, in order of the list.
pub const FIRST_FUNCTION: u32 = 20_000;

fn rows(ctx: &SystemContext) -> Result<RecordBatch> {
    let mut rows = Rows::new(COLUMNS);
    for (i, function) in ctx.functions.iter().enumerate() {
        let args: Vec<String> = function.args.iter().map(|t| t.oid().to_string()).collect();
        rows.push(row![
            FIRST_FUNCTION as usize + i,
            function.kind == 'w',
            Cell::Null,
            &function.name,
            crate::PG_CATALOG,
            BOOTSTRAP_USER,
            12,
            function.kind == 'a',
            false,
            false,
            false,
            function.volatility.to_string(),
            function.args.len(),
            function.returns.oid(),
            args.join(" "),
            Cell::Null,
            &function.name,
            Cell::Null,
            Cell::Null,
        ]);
    }
    rows.finish()
}
