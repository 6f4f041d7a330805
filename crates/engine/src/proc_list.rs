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
    let returned = returns(&args)
        .and_then(|t| SqlType::from_arrow(&t))
        .unwrap_or(SqlType::Varchar(VARCHAR_MAX));
    FunctionInfo {
        name: name.to_string(),
        args: args.iter().filter_map(SqlType::from_arrow).collect(),
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
fn example_args(signature: &TypeSignature) -> Vec<arrow::datatypes::DataType> {
    match signature {
        TypeSignature::Exact(types) => types.clone(),
        TypeSignature::OneOf(signatures) => signatures
            .iter()
            .find(|s| matches!(s, TypeSignature::Exact(_)))
            .map(example_args)
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}
