//! SET, RESET, SHOW of settings, and session authorization.

use lw_base::Result;
use lw_pgrepr::SqlType;
use lw_services::ColumnDesc;
use lw_sql_syntax::Statement;
use lw_sql_syntax::ast::TransactionModes;

use crate::context::PlanContext;
use crate::ddl::user_named;
use crate::plan::*;

/// Plans a statement of the family; `None` if it is of another.
pub(crate) fn plan(statement: &Statement, ctx: &PlanContext) -> Result<Option<Planned>> {
    Ok(Some(match statement {
        Statement::Set { name, value, local } => planned(
            SettingPlan::Set {
                name: name.clone(),
                value: value.clone(),
                local: *local,
            },
            "SET",
        ),
        Statement::SetTransaction(modes) => transaction(modes),
        Statement::SetSessionAuthorization { user, .. } => {
            let user = match user {
                Some(name) => Some(user_named(name, ctx)?.oid),
                None => None,
            };
            planned(SettingPlan::SessionAuthorization(user), "SET")
        }
        Statement::Reset(Some(name)) if name == "session_authorization" => {
            planned(SettingPlan::SessionAuthorization(None), "RESET")
        }
        Statement::Reset(Some(name)) => planned(SettingPlan::Reset(name.clone()), "RESET"),
        Statement::Reset(None) => planned(SettingPlan::ResetAll, "RESET"),
        Statement::Show(Some(name)) => {
            let mut shown = planned(SettingPlan::Show(name.clone()), "SHOW");
            let title = lw_settings::params::find(name).map_or(name.as_str(), |s| s.shown);
            shown.columns = Some(text_columns(&[title]));
            shown
        }
        Statement::Show(None) => {
            let mut shown = planned(SettingPlan::ShowAll, "SHOW");
            shown.columns = Some(text_columns(&["name", "setting"]));
            shown
        }
        _ => return Ok(None),
    }))
}

/// SET TRANSACTION and SET SESSION CHARACTERISTICS: every isolation level runs as the database's
/// own (Developer Guide, SET SESSION CHARACTERISTICS), so only the access mode says anything.
fn transaction(modes: &TransactionModes) -> Planned {
    let (name, value) = match modes.read_only {
        Some(read_only) => (
            "transaction_read_only",
            if read_only { "on" } else { "off" },
        ),
        None => ("transaction_isolation", "serializable"),
    };
    planned(
        SettingPlan::Set {
            name: name.to_string(),
            value: Some(value.to_string()),
            local: false,
        },
        "SET",
    )
}

fn planned(plan: SettingPlan, tag: &'static str) -> Planned {
    Planned {
        plan: Plan::Setting(plan),
        params: vec![],
        columns: None,
        access: vec![],
        reads: vec![],
        writes: vec![],
        tag,
    }
}

/// Result columns of text.
pub(crate) fn text_columns(names: &[&str]) -> Vec<ColumnDesc> {
    names
        .iter()
        .map(|name| ColumnDesc {
            name: (*name).to_string(),
            sql_type: SqlType::Text,
            origin: None,
            not_null: false,
        })
        .collect()
}
