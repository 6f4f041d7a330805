//! The names of result columns that have no alias, as Redshift (and PostgreSQL 8) makes them.

use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident, ObjectName, Value};
use lw_pgrepr::SqlType;

/// Name of a column nothing names.
pub const NO_NAME: &str = "?column?";

/// Separates a name from what makes it unique inside a plan. No identifier holds it; what follows
/// is cut off before a client sees the name.
pub const UNIQUE: char = '\u{1}';

/// A name as clients see it.
pub fn visible(name: &str) -> &str {
    name.split(UNIQUE).next().unwrap_or(name)
}

/// The name of an expression of a select list.
pub fn column_name(expr: &Expr, case_sensitive: bool) -> String {
    name_of(expr, case_sensitive).unwrap_or_else(|| NO_NAME.into())
}

fn name_of(expr: &Expr, case_sensitive: bool) -> Option<String> {
    let folded = |ident: &Ident| {
        let mut ident = ident.clone();
        super::prepare::fold(&mut ident, case_sensitive);
        ident.value
    };
    Some(match expr {
        Expr::Identifier(ident) => folded(ident),
        Expr::CompoundIdentifier(idents) => folded(idents.last()?),
        Expr::Nested(inner) => return name_of(inner, case_sensitive),
        Expr::Cast {
            expr, data_type, ..
        }
        | Expr::Convert {
            expr,
            data_type: Some(data_type),
            ..
        } => match name_of(expr, case_sensitive) {
            Some(name) => name,
            None => type_name(data_type)?,
        },
        Expr::TypedString(t) => type_name(&t.data_type)?,
        Expr::Function(f) => function_name(&f.name)?,
        Expr::Case { else_result, .. } => match else_result.as_deref() {
            Some(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => {
                name_of(else_result.as_deref()?, case_sensitive)?
            }
            _ => "case".into(),
        },
        Expr::Extract { .. } => "date_part".into(),
        Expr::Substring { .. } => "substring".into(),
        Expr::Trim { trim_where, .. } => {
            use datafusion::sql::sqlparser::ast::TrimWhereField as W;
            match trim_where {
                Some(W::Leading) => "ltrim".into(),
                Some(W::Trailing) => "rtrim".into(),
                _ => "btrim".into(),
            }
        }
        Expr::Position { .. } => "position".into(),
        Expr::Overlay { .. } => "overlay".into(),
        Expr::Ceil { .. } => "ceil".into(),
        Expr::Floor { .. } => "floor".into(),
        Expr::AtTimeZone { .. } => "timezone".into(),
        Expr::Interval(_) => "interval".into(),
        Expr::Array(_) => "array".into(),
        Expr::Value(v) if matches!(v.value, Value::Boolean(_)) => "bool".into(),
        _ => return None,
    })
}

fn function_name(name: &ObjectName) -> Option<String> {
    let name = name.0.last()?.as_ident()?.value.to_lowercase();
    Some(match name.as_str() {
        "nvl" | "isnull" | "ifnull" => "coalesce".into(),
        "decode" | "nvl2" => "case".into(),
        "dateadd" => "date_add".into(),
        "datediff" => "date_diff".into(),
        "date_part" => "pgdate_part".into(),
        "log" => "dlog10".into(),
        "percentile_cont" | "percentile_disc" | "median" => name,
        "current_date" => "date".into(),
        "sysdate" | "getdate" => "timestamp".into(),
        "current_timestamp" => "timestamptz".into(),
        _ => name,
    })
}

fn type_name(data_type: &DataType) -> Option<String> {
    let t = super::types::sql_type(data_type).ok()?;
    Some(match t {
        SqlType::Bool => "bool".into(),
        other => other.typname().into(),
    })
}
