//! The functions as `pg_proc` shows them.

use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::{Signature, TypeSignature, Volatility};
use lw_pgrepr::SqlType;
use lw_pgrepr::types::VARCHAR_MAX;
use lw_sysviews::FunctionInfo;

static FUNCTIONS: LazyLock<Arc<[FunctionInfo]>> = LazyLock::new(|| {
    let all = lw_functions::all();
    let shown = |name: &str| !name.starts_with("__");
    let scalar = all
        .scalar
        .iter()
        .map(|(n, f)| info(n, 'f', f.signature(), &|types| f.return_type(types).ok()));
    let aggregate = all
        .aggregate
        .iter()
        .map(|(n, f)| info(n, 'a', f.signature(), &|types| f.return_type(types).ok()));
    let window = all
        .window
        .iter()
        .map(|(n, f)| info(n, 'w', f.signature(), &|_| None));
    scalar
        .chain(aggregate)
        .chain(window)
        .filter(|f| shown(&f.name))
        .collect()
});

/// Hands the names of the system's own objects to the functions that look objects up.
pub(crate) fn publish_system_names() {
    lw_functions::catalog::set_system_names(lw_functions::catalog::SystemNames {
        relations: lw_sysviews::all()
            .iter()
            .map(|r| {
                let superuser = r.access == lw_sysviews::SystemAccess::Superuser;
                (r.schema, r.name, r.oid.0, superuser)
            })
            .collect(),
        schemas: lw_sysviews::SCHEMAS
            .iter()
            .map(|(name, oid)| (*name, oid.0))
            .collect(),
        first_function: lw_sysviews::FIRST_FUNCTION,
        functions: functions()
            .iter()
            .map(|f| (f.name.clone(), f.args.clone(), f.returns))
            .collect(),
    });
}

/// Every function.
pub(crate) fn functions() -> Arc<[FunctionInfo]> {
    FUNCTIONS.clone()
}

fn info(
    name: &str,
    kind: char,
    signature: &Signature,
    returns: &dyn Fn(&[arrow::datatypes::DataType]) -> Option<arrow::datatypes::DataType>,
) -> FunctionInfo {
    let args = example_args(&signature.type_signature);
    // Asked about arguments it does not take, a function of the library may panic.
    let returned = args
        .as_deref()
        .and_then(returns)
        .and_then(|t| SqlType::from_arrow(&t))
        .unwrap_or(SqlType::Varchar(VARCHAR_MAX));
    FunctionInfo {
        name: name.to_string(),
        args: args
            .iter()
            .flatten()
            .filter_map(SqlType::from_arrow)
            .collect(),
        returns: returned,
        kind,
        volatility: match signature.volatility {
            Volatility::Immutable => 'i',
            Volatility::Stable => 's',
            Volatility::Volatile => 'v',
        },
    }
}

/// Arguments a signature takes, if it names them exactly.
fn example_args(signature: &TypeSignature) -> Option<Vec<arrow::datatypes::DataType>> {
    match signature {
        TypeSignature::Exact(types) => Some(types.clone()),
        TypeSignature::Nullary => Some(Vec::new()),
        TypeSignature::OneOf(signatures) => signatures.iter().find_map(example_args),
        _ => None,
    }
}
