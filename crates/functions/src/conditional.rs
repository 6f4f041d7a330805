//! COALESCE, GREATEST and LEAST: their arguments get one type by Redshift's rules; the work is
//! DataFusion's (Developer Guide, "NVL and COALESCE functions", "GREATEST and LEAST functions").

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use lw_base::{SqlError, SqlState};
use lw_pgrepr::SqlType;

use crate::error::df_error;
use crate::func::{field_type, type_name};
use crate::unify::common_type;

/// The functions.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    [
        ("coalesce", datafusion::functions::core::coalesce()),
        ("greatest", datafusion::functions::core::greatest()),
        ("least", datafusion::functions::core::least()),
    ]
    .into_iter()
    .map(|(name, inner)| {
        Arc::new(ScalarUDF::from(Unifying {
            name,
            inner,
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    })
    .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Unifying {
    name: &'static str,
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl ScalarUDFImpl for Unifying {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        if types.is_empty() {
            return Err(df_error(
                SqlError::new(
                    SqlState::UNDEFINED_FUNCTION,
                    format!("function {}() does not exist", self.name),
                )
                .with_hint("It takes one argument or more."),
            ));
        }
        let known: Vec<SqlType> = types
            .iter()
            .map(|t| match t {
                DataType::Utf8 | DataType::Null => SqlType::Unknown,
                t => SqlType::from_arrow(t).unwrap_or(SqlType::Unknown),
            })
            .collect();
        let to = common_type(&known).ok_or_else(|| {
            df_error(SqlError::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "{} types {} and {} cannot be matched",
                    self.name.to_uppercase(),
                    type_name(&types[0]),
                    types.last().map(type_name).unwrap_or_default()
                ),
            ))
        })?;
        Ok(vec![to.arrow(); types.len()])
    }

    fn return_type(&self, types: &[DataType]) -> DfResult<DataType> {
        Ok(self.coerce_types(types)?.swap_remove(0))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DfResult<FieldRef> {
        let types: Vec<SqlType> = args.arg_fields.iter().map(|f| field_type(f)).collect();
        let arrow: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|f| f.data_type().clone())
            .collect();
        let arrow = self.coerce_types(&arrow)?.swap_remove(0);
        let t = common_type(&types)
            .filter(|t| t.arrow() == arrow)
            .or_else(|| SqlType::from_arrow(&arrow))
            .unwrap_or(SqlType::Text);
        let nullable = args.arg_fields.iter().all(|f| f.is_nullable());
        Ok(t.field_ref(self.name, nullable))
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> DfResult<ExprSimplifyResult> {
        if self.name == "coalesce" {
            return self.inner.simplify(args, info);
        }
        Ok(ExprSimplifyResult::Original(args))
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn conditional_arguments<'a>(
        &self,
        args: &'a [Expr],
    ) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.inner().conditional_arguments(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }
}
