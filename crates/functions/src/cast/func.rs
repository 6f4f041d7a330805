//! The functions `__cast`, `__assign` and `__try_cast`.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use lw_base::{Result, SqlError};
use lw_pgrepr::SqlType;

use super::{Locale, Mode, cannot_cast, cast_array, castable};
use crate::error::df_error;
use crate::func::field_type;

/// `__cast(x, 'type')` and its kin.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CastFunc {
    mode: Mode,
    signature: Ignored,
}

/// A signature takes no part in comparisons.
#[derive(Debug)]
struct Ignored(Signature);

impl PartialEq for Ignored {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Ignored {}
impl Hash for Ignored {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl CastFunc {
    fn new(mode: Mode) -> CastFunc {
        CastFunc {
            mode,
            signature: Ignored(Signature::user_defined(Volatility::Immutable)),
        }
    }

    fn target(constant: Option<&ScalarValue>) -> Result<SqlType> {
        constant
            .and_then(|c| c.try_as_str().flatten())
            .and_then(SqlType::parse)
            .ok_or_else(|| SqlError::internal("a cast names no type"))
    }
}

/// The functions of casts.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    [Mode::Explicit, Mode::Assign, Mode::Try]
        .into_iter()
        .map(|m| Arc::new(ScalarUDF::from(CastFunc::new(m))))
        .collect()
}

/// An expression cast to a type.
pub fn cast_expr(expr: Expr, to: SqlType, mode: Mode) -> Expr {
    static FUNCS: std::sync::LazyLock<Vec<Arc<ScalarUDF>>> = std::sync::LazyLock::new(all);
    FUNCS[mode as usize].call(vec![expr, datafusion::logical_expr::lit(to.to_string())])
}

impl ScalarUDFImpl for CastFunc {
    fn schema_name(&self, args: &[Expr]) -> DfResult<String> {
        crate::long_names::schema_name(self.name(), args)
    }

    fn name(&self) -> &str {
        match self.mode {
            Mode::Explicit => "__cast",
            Mode::Assign => "__assign",
            Mode::Try => "__try_cast",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature.0
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _types: &[DataType]) -> DfResult<DataType> {
        Err(DataFusionError::Internal(
            "a cast's type is in its arguments".into(),
        ))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DfResult<FieldRef> {
        let to = Self::target(args.scalar_arguments.get(1).copied().flatten()).map_err(df_error)?;
        let from = &args.arg_fields[0];
        if !castable(field_type(from), to) {
            return Err(df_error(cannot_cast(field_type(from), to)));
        }
        let nullable = from.is_nullable() || self.mode == Mode::Try;
        Ok(to.field_ref(self.name(), nullable))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let to = SqlType::of_field(&args.return_field)
            .ok_or_else(|| DataFusionError::Internal("unknown result type".into()))?;
        let from = field_type(&args.arg_fields[0]);
        let locale = match crate::session::session(&args.config_options) {
            Ok(session) => Locale::of(session),
            Err(_) => Locale::default(),
        };
        let (array, scalar) = match &args.args[0] {
            ColumnarValue::Array(array) => (array.clone(), false),
            ColumnarValue::Scalar(value) => (value.to_array_of_size(1)?, true),
        };
        let result = cast_array(&array, from, to, self.mode, &locale).map_err(df_error)?;
        Ok(match scalar {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?),
            false => ColumnarValue::Array(result),
        })
    }

    fn simplify(
        &self,
        mut args: Vec<Expr>,
        info: &SimplifyContext,
    ) -> DfResult<ExprSimplifyResult> {
        let Some(Expr::Literal(name, _)) = args.get(1) else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let Ok(to) = Self::target(Some(name)) else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let (_, field) = args[0].to_field(info.schema().as_ref())?;
        if !plain(field_type(&field), to) {
            return Ok(ExprSimplifyResult::Original(args));
        }
        let expr = args.swap_remove(0);
        // The optimizer knows Arrow's own casts and looks through them.
        Ok(ExprSimplifyResult::Simplified(Expr::Cast(
            Cast::new_from_field(Box::new(expr), to.field_ref("", true)),
        )))
    }
}

/// True for casts that Arrow does exactly as Redshift, and never fails at.
fn plain(from: SqlType, to: SqlType) -> bool {
    use SqlType::*;
    let digits = |t| match t {
        Int2 => Some((5, 0)),
        Int4 => Some((10, 0)),
        Int8 => Some((19, 0)),
        Numeric(p, s) => Some((p as i32 - s as i32, s as i32)),
        _ => None,
    };
    match (from, to) {
        (Int2, Int2 | Int4 | Int8) | (Int4, Int4 | Int8) | (Int8, Int8) => true,
        (Int2 | Int4 | Int8, Float8) | (Float4, Float8) | (Float8, Float8) => true,
        (Numeric(..), Float8) | (Date, Timestamp) => true,
        (Varchar(a), Varchar(b)) => a <= b,
        (Varchar(_) | Text | Name, Text) => true,
        (Int2 | Int4 | Int8 | Numeric(..), Numeric(p, s)) => {
            let whole = if matches!(from, Numeric(..)) {
                digits(from)
            } else {
                digits(from).map(|(w, _)| (w, 0))
            };
            whole.is_some_and(|(w, fs)| s as i32 >= fs && p as i32 - s as i32 >= w)
        }
        _ => false,
    }
}
