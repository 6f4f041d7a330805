//! MERGE (Developer Guide, MERGE): one WHEN MATCHED and one WHEN NOT MATCHED clause.

use arrow::datatypes::DataType;
use lw_base::{Result, SqlError};
use lw_catalog::Column;
use lw_pgrepr::SqlType;
use lw_sql_syntax::sqlparser::ast::{
    CaseWhen, CastKind, Expr, Join, JoinConstraint, JoinOperator, Merge, MergeAction,
    MergeClauseKind, MergeInsertKind, Value, With,
};

use super::{
    Target, assignments, column_of, declare, default_of, identity_is_made, is_default, item,
    only_table, planned, select, target, with_declared,
};
use crate::context::PlanContext;
use crate::plan::{DmlPlan, Planned};
use crate::query::{QueryOptions, plan_query_with};
use crate::source::{ROW_COLUMN, SEGMENT_COLUMN};

/// Name of the column with the action.
const ACTION_COLUMN: &str = "__action";
const NOTHING: i64 = 0;
const INSERT: i64 = 1;
const UPDATE: i64 = 2;
const DELETE: i64 = 3;

/// What happens to rows, value by value.
struct Actions {
    matched: i64,
    not_matched: i64,
    /// New value of each column of a matched row; `None`: it stays.
    update: Vec<Option<Expr>>,
    /// Value of each column of a new row.
    insert: Vec<Option<Expr>>,
}

pub(super) fn plan(merge: &Merge, with: Option<&With>, ctx: &PlanContext) -> Result<Planned> {
    let written = target(&merge.table, ctx)?;
    let mut declared = ctx.declared.clone();
    let actions = actions(merge, &written, &mut declared, ctx)?;
    let is_matched = Expr::IsNotNull(Box::new(written.hidden(SEGMENT_COLUMN)));
    let either = |yes: Expr, no: Expr| Expr::Case {
        case_token: lw_sql_syntax::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        end_token: lw_sql_syntax::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen {
            condition: is_matched.clone(),
            result: yes,
        }],
        else_result: Some(Box::new(no)),
    };
    let mut items = vec![
        item(
            either(number(actions.matched), number(actions.not_matched)),
            ACTION_COLUMN,
        ),
        item(written.hidden(SEGMENT_COLUMN), SEGMENT_COLUMN),
        item(written.hidden(ROW_COLUMN), ROW_COLUMN),
    ];
    let values = actions.update.into_iter().zip(actions.insert);
    for (i, (column, (update, insert))) in written.relation.columns.iter().zip(values).enumerate() {
        let kept = update.map_or_else(|| written.column(column), |v| in_type(v, column));
        let new = insert.map_or_else(null, |v| in_type(v, column));
        items.push(item(either(kept, new), &super::generated("v", i)));
    }
    let mut from = only_table(merge.source.clone());
    from.joins.push(Join {
        relation: merge.table.clone(),
        global: false,
        join_operator: JoinOperator::LeftOuter(JoinConstraint::On(Expr::clone(&merge.on))),
    });
    let query = select(with, items, vec![from], None)?;
    let query = plan_query_with(
        &query,
        &with_declared(ctx, declared),
        QueryOptions {
            row_ids_of: Some(written.relation.oid),
        },
    )?;
    let leading = [DataType::Int8, DataType::UInt64, DataType::UInt64];
    let input = super::change::typed(&query, &leading, &written.relation)?;
    let plan = DmlPlan::Merge {
        table: written.relation.oid,
        identity: written
            .relation
            .columns
            .iter()
            .filter(|c| c.identity.is_some())
            .map(|c| c.id)
            .collect(),
        input,
    };
    let privileges: &[char] = match (actions.matched, actions.not_matched) {
        (UPDATE, INSERT) => &['a', 'w'],
        (DELETE, INSERT) => &['a', 'd'],
        (UPDATE, _) => &['w'],
        (DELETE, _) => &['d'],
        _ => &['a'],
    };
    Ok(planned(plan, "MERGE", &written.relation, privileges, query))
}

fn actions(
    merge: &Merge,
    written: &Target,
    declared: &mut Vec<Option<SqlType>>,
    ctx: &PlanContext,
) -> Result<Actions> {
    let width = written.relation.columns.len();
    let mut actions = Actions {
        matched: NOTHING,
        not_matched: NOTHING,
        update: vec![None; width],
        insert: vec![None; width],
    };
    for clause in &merge.clauses {
        if clause.predicate.is_some() {
            return Err(SqlError::syntax(
                "MERGE takes no condition after WHEN MATCHED or WHEN NOT MATCHED",
            )
            .with_hint("Put the condition into ON or into the source query."));
        }
        match (&clause.clause_kind, &clause.action) {
            (MergeClauseKind::Matched, MergeAction::Update(update)) if actions.matched == 0 => {
                actions.matched = UPDATE;
                let values = assignments(&update.assignments, &written.relation, ctx)?;
                for (i, value) in values.into_iter().enumerate() {
                    let Some(value) = value else { continue };
                    actions.update[i] =
                        Some(value_of(value, &written.relation.columns[i], declared)?);
                }
            }
            (MergeClauseKind::Matched, MergeAction::Delete { .. }) if actions.matched == 0 => {
                actions.matched = DELETE;
            }
            (MergeClauseKind::NotMatched, MergeAction::Insert(insert))
                if actions.not_matched == 0 =>
            {
                actions.not_matched = INSERT;
                let MergeInsertKind::Values(values) = &insert.kind else {
                    return Err(SqlError::syntax("INSERT of MERGE needs VALUES"));
                };
                let [row] = values.rows.as_slice() else {
                    return Err(SqlError::syntax("INSERT of MERGE takes one row of values"));
                };
                insert_values(
                    &insert.columns,
                    row,
                    written,
                    declared,
                    ctx,
                    &mut actions.insert,
                )?;
            }
            _ => {
                return Err(SqlError::syntax(
                    "MERGE takes one WHEN MATCHED THEN UPDATE or DELETE clause and one WHEN NOT MATCHED THEN INSERT clause",
                ));
            }
        }
    }
    Ok(actions)
}

fn insert_values(
    names: &[lw_sql_syntax::sqlparser::ast::ObjectName],
    row: &[Expr],
    written: &Target,
    declared: &mut Vec<Option<SqlType>>,
    ctx: &PlanContext,
    insert: &mut [Option<Expr>],
) -> Result<()> {
    let relation = &written.relation;
    let targets: Vec<usize> = if names.is_empty() {
        (0..row.len().min(relation.columns.len())).collect()
    } else {
        names
            .iter()
            .map(|n| column_of(n, relation, ctx))
            .collect::<Result<_>>()?
    };
    if targets.len() != row.len() {
        let more = if row.len() > targets.len() {
            "expressions than target columns"
        } else {
            "target columns than expressions"
        };
        return Err(SqlError::syntax(format!("INSERT has more {more}")));
    }
    for (value, index) in row.iter().zip(&targets) {
        let column = &relation.columns[*index];
        if column.identity.is_some() {
            if is_default(value) {
                continue;
            }
            return Err(identity_is_made());
        }
        insert[*index] = Some(value_of(value, column, declared)?);
    }
    for (index, column) in relation.columns.iter().enumerate() {
        if !targets.contains(&index) && column.default.is_some() {
            insert[index] = Some(default_of(column)?);
        }
    }
    Ok(())
}

fn value_of(value: &Expr, column: &Column, declared: &mut Vec<Option<SqlType>>) -> Result<Expr> {
    if is_default(value) {
        return default_of(column);
    }
    declare(value, column, declared);
    Ok(value.clone())
}

/// Both branches of the CASE must have one type: the column's. Strings stay as they are, so that the
/// assignment finds those that are too long.
fn in_type(value: Expr, column: &Column) -> Expr {
    if column.sql_type.is_string() {
        return value;
    }
    let Ok(wanted) = lw_sql_syntax::parse_expression(&format!("cast(null as {})", column.sql_type))
    else {
        return value;
    };
    match wanted {
        Expr::Cast {
            data_type,
            array,
            format,
            ..
        } => Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(value),
            data_type,
            array,
            format,
        },
        _ => value,
    }
}

fn number(n: i64) -> Expr {
    Expr::Value(Value::Number(n.to_string(), false).with_empty_span())
}

fn null() -> Expr {
    Expr::Value(Value::Null.with_empty_span())
}
