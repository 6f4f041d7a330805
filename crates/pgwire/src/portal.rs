//! Prepared statements and portals as the extended protocol has them.

use std::sync::Arc;

use lw_base::{Result, SqlError};
use lw_pgrepr::numeric::{parse_numeric, read_pg_binary};
use lw_pgrepr::{SqlType, Zone, decode_param};
use lw_services::{ColumnDesc, Param, Prepared};

use crate::frontend::{Bind, text, violation};
use crate::rows::Rows;

/// Statements, or portals, that one session may hold at a time.
pub(crate) const MAX_NAMED: usize = 20_000;

/// A prepared statement.
#[derive(Clone)]
pub(crate) struct Statement {
    /// `None`: its text was empty.
    pub prepared: Option<Arc<Prepared>>,
    /// Types as declared in Parse, 0 where none was; longer declarations are kept as they came.
    pub declared: Vec<u32>,
}

/// A statement with its parameters' values, perhaps half run.
pub(crate) struct Portal {
    pub prepared: Option<Arc<Prepared>>,
    pub params: Vec<Param>,
    pub formats: Vec<i16>,
    pub state: State,
}

/// How far a portal is.
pub(crate) enum State {
    /// Not run yet.
    Ready,
    /// Some of its rows were sent.
    Running(Rows),
    /// All of its rows were sent; its command tag without the number.
    Finished { tag: String, tag_with_rows: bool },
    /// It is done and returned no rows: it cannot run twice.
    Done,
}

impl Statement {
    /// The types that ParameterDescription tells: what the client declared, else what was
    /// inferred. Drivers give up if a declared type comes back as another.
    pub(crate) fn parameter_oids(&self) -> Vec<u32> {
        let Some(prepared) = &self.prepared else {
            return self.declared.clone();
        };
        let declared = |i: usize| self.declared.get(i).copied().filter(|oid| *oid != 0);
        prepared
            .params
            .iter()
            .enumerate()
            .map(|(i, t)| declared(i).unwrap_or_else(|| t.oid()))
            .collect()
    }

    /// Makes a portal of it.
    pub(crate) fn bind(&self, bind: &Bind, zone: Zone) -> Result<Portal> {
        let types: &[SqlType] = self.prepared.as_ref().map_or(&[], |p| &p.params);
        if bind.params.len() != types.len() {
            return Err(violation(format!(
                "bind message supplies {} parameters, but prepared statement \"{}\" requires {}",
                bind.params.len(),
                String::from_utf8_lossy(&bind.statement),
                types.len()
            )));
        }
        let mut params = Vec::with_capacity(types.len());
        for (i, (value, sql_type)) in bind.params.iter().zip(types).enumerate() {
            let binary = format_of(&bind.param_formats, i) == 1;
            let read = || {
                let sql_type = value_type(*sql_type, value.as_deref(), binary)?;
                let value = decode_param(value.as_deref(), binary, sql_type, zone)?;
                Ok(Param { sql_type, value })
            };
            params.push(
                read().map_err(|e: SqlError| e.with_context(format!("parameter ${}", i + 1)))?,
            );
        }
        let columns: &[ColumnDesc] = self
            .prepared
            .as_ref()
            .and_then(|p| p.columns.as_deref())
            .unwrap_or(&[]);
        let sent = bind.result_formats.len();
        if sent > 1 && sent != columns.len() {
            return Err(violation(format!(
                "bind message has {sent} result formats but query has {} columns",
                columns.len()
            )));
        }
        let formats = (0..columns.len())
            .map(|i| format_of(&bind.result_formats, i))
            .collect();
        Ok(Portal {
            prepared: self.prepared.clone(),
            params,
            formats,
            state: State::Ready,
        })
    }
}

/// None given: text; one: for all; else one each.
fn format_of(formats: &[i16], i: usize) -> i16 {
    match formats {
        [] => 0,
        [all] => *all,
        each => each.get(i).copied().unwrap_or(0),
    }
}

/// The type a value is read as: the parameter's, except where that says too little.
fn value_type(sql_type: SqlType, value: Option<&[u8]>, binary: bool) -> Result<SqlType> {
    match (sql_type, value) {
        (SqlType::Unknown, _) => Ok(SqlType::Text),
        // A NUMERIC parameter has no precision of its own: no digit of the value may be lost here,
        // where the statement may have use for it.
        (SqlType::Numeric(precision, scale), Some(value)) => {
            let number = if binary {
                read_pg_binary(value)?
            } else {
                parse_numeric(text(value)?)?
            };
            Ok(match number.own_type() {
                Some((_, own)) if own > scale || !number.fits(precision, scale) => {
                    SqlType::Numeric(38, own)
                }
                _ => sql_type,
            })
        }
        (other, _) => Ok(other),
    }
}

/// The type that a client declares with this OID: Redshift's, and those of other PostgreSQL
/// drivers that have a counterpart. `None`: to be inferred.
pub(crate) fn declared_type(oid: u32) -> Result<Option<SqlType>> {
    const BYTEA: u32 = 17;
    const JSON: u32 = 114;
    const VARCHAR_ARRAY: u32 = 1015;
    const UUID: u32 = 2950;
    Ok(Some(match oid {
        0 | 705 => return Ok(None),
        BYTEA => SqlType::Varbyte(64_000),
        JSON | UUID => SqlType::Text,
        VARCHAR_ARRAY => SqlType::TextArray,
        // A length is the column's affair, not the parameter's.
        1042 => SqlType::Text,
        oid => SqlType::from_oid(oid, -1).ok_or_else(|| {
            SqlError::unsupported(format!("a parameter of the type with OID {oid}"))
        })?,
    }))
}
