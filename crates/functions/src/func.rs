//! How a scalar function is written: its parameters' types, its result's type, and a body over
//! single values. [`Func`] makes a DataFusion function of it, with Redshift's implicit casts.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, IntervalUnit, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use lw_pgrepr::types::VARCHAR_MAX;
use lw_settings::SessionInfo;

use crate::error::df_error;

/// The class of types a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ty {
    /// BOOLEAN
    Bool,
    /// INTEGER (and SMALLINT)
    Int4,
    /// BIGINT (and smaller)
    Int8,
    /// DECIMAL, or an integer as one
    Num,
    /// DOUBLE PRECISION, or any number as one
    F8,
    /// A string; any other type as its text
    Str,
    /// VARBYTE
    Bytes,
    /// DATE
    Date,
    /// TIME
    Time,
    /// TIMETZ
    TimeTz,
    /// TIMESTAMP, or a date
    Ts,
    /// TIMESTAMPTZ
    Tstz,
    /// INTERVAL
    Interval,
    /// Any type, as it is
    Any,
}

impl Ty {
    /// How well a type fits (smaller is better), and what it is cast to; `None`: not at all.
    fn fit(self, from: &DataType) -> Option<(u32, DataType)> {
        use DataType as D;
        let to = |cost: u32, t: SqlType| Some((cost, t.arrow()));
        if matches!(from, D::Null | D::Utf8) && self != Ty::Any {
            // NULL and bare literals fit everything, strings best. A bare literal stays one, so that
            // a result's type can depend on it.
            return match self {
                Ty::Str if *from == D::Utf8 => Some((1, D::Utf8)),
                Ty::Str => to(1, SqlType::Text),
                Ty::Num => to(4, SqlType::Numeric(38, 10)),
                Ty::F8 => to(3, SqlType::Float8),
                Ty::Ts => to(2, SqlType::Timestamp),
                other => to(4, other.sql_type()),
            };
        }
        match (self, from) {
            (Ty::Any, _) => Some((0, from.clone())),
            (Ty::Bool, D::Boolean) => to(0, SqlType::Bool),
            (Ty::Int4, D::Int32) => to(0, SqlType::Int4),
            (Ty::Int4, D::Int16) => to(1, SqlType::Int4),
            (Ty::Int8, D::Int64) => to(0, SqlType::Int8),
            (Ty::Int8, D::Int32 | D::Int16 | D::UInt32) => to(1, SqlType::Int8),
            // Numbers with a fraction are rounded where a function wants an integer.
            (Ty::Int4, D::Int64 | D::Decimal128(..)) => to(20, SqlType::Int4),
            (Ty::Int8, D::Decimal128(..)) => to(21, SqlType::Int8),
            (Ty::Int4, D::Float32 | D::Float64) => to(22, SqlType::Int4),
            (Ty::Int8, D::Float32 | D::Float64) => to(22, SqlType::Int8),
            (Ty::Num, D::Decimal128(..)) => Some((0, from.clone())),
            (Ty::Num, D::Int16) => to(2, SqlType::Numeric(5, 0)),
            (Ty::Num, D::Int32) => to(2, SqlType::Numeric(10, 0)),
            (Ty::Num, D::Int64) => to(2, SqlType::Numeric(19, 0)),
            (Ty::F8, D::Float64) => to(0, SqlType::Float8),
            (Ty::F8, D::Float32) => to(1, SqlType::Float8),
            (Ty::F8, D::Decimal128(..) | D::Int16 | D::Int32 | D::Int64) => to(3, SqlType::Float8),
            (Ty::Str, D::Utf8View | D::LargeUtf8) => to(0, SqlType::Text),
            (Ty::Str, D::BinaryView | D::List(_)) => None,
            (Ty::Str, _) => to(30, SqlType::Text),
            (Ty::Bytes, D::BinaryView | D::Binary) => to(0, SqlType::Varbyte(64_000)),
            (Ty::Date, D::Date32) => to(0, SqlType::Date),
            (Ty::Ts, D::Timestamp(_, None)) => to(0, SqlType::Timestamp),
            (Ty::Ts, D::Date32) => to(2, SqlType::Timestamp),
            (Ty::Ts, D::Timestamp(_, Some(_))) => to(5, SqlType::Timestamp),
            (Ty::Tstz, D::Timestamp(_, Some(_))) => to(0, SqlType::TimestampTz),
            (Ty::Tstz, D::Timestamp(_, None) | D::Date32) => to(6, SqlType::TimestampTz),
            (Ty::Time, D::Time64(TimeUnit::Microsecond)) => to(0, SqlType::Time),
            (Ty::TimeTz, D::Time64(TimeUnit::Nanosecond)) => to(0, SqlType::TimeTz),
            (Ty::Interval, D::Interval(IntervalUnit::MonthDayNano)) => to(0, SqlType::IntervalDS),
            (Ty::Interval, D::Interval(_)) => to(1, SqlType::IntervalDS),
            // A string where another type is wanted is read as one.
            (
                Ty::Int4 | Ty::Int8 | Ty::F8 | Ty::Date | Ty::Ts | Ty::Tstz | Ty::Bool,
                D::Utf8View,
            ) => to(40, self.sql_type()),
            (Ty::Num, D::Utf8View) => to(40, SqlType::Numeric(38, 10)),
            _ => None,
        }
    }

    fn sql_type(self) -> SqlType {
        match self {
            Ty::Bool => SqlType::Bool,
            Ty::Int4 => SqlType::Int4,
            Ty::Int8 => SqlType::Int8,
            Ty::Num => SqlType::Numeric(38, 10),
            Ty::F8 => SqlType::Float8,
            Ty::Str | Ty::Any => SqlType::Text,
            Ty::Bytes => SqlType::Varbyte(64_000),
            Ty::Date => SqlType::Date,
            Ty::Time => SqlType::Time,
            Ty::TimeTz => SqlType::TimeTz,
            Ty::Ts => SqlType::Timestamp,
            Ty::Tstz => SqlType::TimestampTz,
            Ty::Interval => SqlType::IntervalDS,
        }
    }
}

/// What a function knows when its result's type is asked for.
pub struct ReturnArgs<'a> {
    /// Types of the arguments, after implicit casts.
    pub types: Vec<SqlType>,
    /// The arguments that are constants.
    pub constants: &'a [Option<&'a ScalarValue>],
}

/// The type of a result.
#[derive(Clone, Copy)]
pub enum Ret {
    /// Always this one.
    Is(SqlType),
    /// That of an argument.
    Like(usize),
    /// Computed.
    By(fn(&ReturnArgs) -> Result<SqlType>),
}

/// A VARCHAR of no known length.
pub const STR: Ret = Ret::Is(SqlType::Varchar(VARCHAR_MAX));

/// One call over a batch of rows.
pub struct Call<'a> {
    /// The arguments; those that are constants have one row.
    pub args: Vec<ArrayRef>,
    /// Rows.
    pub rows: usize,
    /// The result's type.
    pub ret: SqlType,
    options: &'a ConfigOptions,
}

impl Call<'_> {
    /// The session.
    pub fn session(&self) -> Result<&Arc<SessionInfo>> {
        crate::session::session(self.options).map_err(crate::error::sql_error)
    }
}

/// What computes a result.
pub type Body = fn(&Call) -> Result<ArrayRef>;

/// One form of a function.
#[derive(Clone)]
pub struct Overload {
    params: &'static [Ty],
    variadic: bool,
    ret: Ret,
    body: Body,
}

/// A scalar function.
#[derive(Clone)]
pub struct Func {
    name: &'static str,
    aliases: Vec<String>,
    signature: Signature,
    forms: Vec<Overload>,
}

/// Begins a function. `page` is its page in the Developer Guide.
pub fn func(name: &'static str, page: &'static str) -> Func {
    let _ = page;
    Func {
        name,
        aliases: Vec::new(),
        signature: Signature::user_defined(Volatility::Immutable),
        forms: Vec::new(),
    }
}

impl Func {
    /// Other names of it.
    pub fn alias(mut self, names: &[&str]) -> Self {
        self.aliases.extend(names.iter().map(|n| n.to_string()));
        self
    }

    /// Its result may change from statement to statement.
    pub fn stable(mut self) -> Self {
        self.signature.volatility = Volatility::Stable;
        self
    }

    /// Its result may change from row to row.
    pub fn volatile(mut self) -> Self {
        self.signature.volatility = Volatility::Volatile;
        self
    }

    /// A form of it.
    pub fn form(mut self, params: &'static [Ty], ret: Ret, body: Body) -> Self {
        self.forms.push(Overload {
            params,
            variadic: false,
            ret,
            body,
        });
        self
    }

    /// A form whose last parameter may repeat.
    pub fn variadic(mut self, params: &'static [Ty], ret: Ret, body: Body) -> Self {
        self.forms.push(Overload {
            params,
            variadic: true,
            ret,
            body,
        });
        self
    }

    /// The function.
    pub fn build(self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(self))
    }

    fn choose(&self, types: &[DataType]) -> Result<(&Overload, Vec<DataType>)> {
        let mut best: Option<(u32, &Overload, Vec<DataType>)> = None;
        for form in &self.forms {
            let n = form.params.len();
            let fits = types.len() == n || (form.variadic && types.len() > n);
            if !fits {
                continue;
            }
            let mut cost = 0;
            let mut to = Vec::with_capacity(types.len());
            for (i, t) in types.iter().enumerate() {
                let ty = form.params[i.min(n - 1)];
                match ty.fit(t) {
                    Some((c, t)) => {
                        cost += c;
                        to.push(t);
                    }
                    None => break,
                }
            }
            if to.len() == types.len() && best.as_ref().is_none_or(|(c, ..)| cost < *c) {
                best = Some((cost, form, to));
            }
        }
        best.map(|(_, form, to)| (form, to))
            .ok_or_else(|| no_function(self.name, types))
    }
}

/// 42883: there is no function of this name for these arguments.
pub fn no_function(name: &str, types: &[DataType]) -> SqlError {
    SqlError::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("function {name}({}) does not exist", type_list(types)),
    )
    .with_hint(
        "No function matches the given name and argument types. You may need to add explicit type casts.",
    )
}

/// Names of types as in PostgreSQL's messages.
pub fn type_list(types: &[DataType]) -> String {
    types.iter().map(type_name).collect::<Vec<_>>().join(", ")
}

/// The name of a type as in PostgreSQL's messages, without length.
pub fn type_name(data_type: &DataType) -> String {
    if matches!(data_type, DataType::Utf8 | DataType::Null) {
        return "unknown".into();
    }
    SqlType::from_arrow(data_type)
        .map(|t| t.to_string())
        .unwrap_or_else(|| data_type.to_string())
        .split('(')
        .next()
        .unwrap_or_default()
        .to_string()
}

/// The type of a field, `Unknown` for NULL and bare literals.
pub fn field_type(field: &arrow::datatypes::Field) -> SqlType {
    match field.data_type() {
        DataType::Utf8 | DataType::Null => SqlType::Unknown,
        _ => SqlType::of_field(field).unwrap_or(SqlType::Unknown),
    }
}

impl ScalarUDFImpl for Func {
    fn schema_name(&self, args: &[Expr]) -> DfResult<String> {
        crate::long_names::schema_name(self.name(), args)
    }

    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> DfResult<Vec<DataType>> {
        // An error here would lose its kind; the result's type is asked for next, and fails rightly.
        Ok(self
            .choose(arg_types)
            .map_or_else(|_| arg_types.to_vec(), |(_, to)| to))
    }

    fn return_type(&self, arg_types: &[DataType]) -> DfResult<DataType> {
        let (form, to) = self.choose(arg_types).map_err(df_error)?;
        let args = ReturnArgs {
            types: to
                .iter()
                .map(|t| SqlType::from_arrow(t).unwrap_or(SqlType::Unknown))
                .collect(),
            constants: &[],
        };
        ret_type(form, &args).map(|t| t.arrow()).map_err(df_error)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DfResult<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|f| f.data_type().clone())
            .collect();
        let (form, _) = self.choose(&types).map_err(df_error)?;
        let args = ReturnArgs {
            types: args.arg_fields.iter().map(|f| field_type(f)).collect(),
            constants: args.scalar_arguments,
        };
        let ret = ret_type(form, &args).map_err(df_error)?;
        Ok(ret.field_ref(self.name, true))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let types: Vec<DataType> = args.args.iter().map(|a| a.data_type()).collect();
        let (form, _) = self.choose(&types).map_err(df_error)?;
        let all_constant = args
            .args
            .iter()
            .all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let volatile = self.signature.volatility == Volatility::Volatile;
        let rows = if all_constant && !volatile {
            1
        } else {
            args.number_rows
        };
        let arrays = args
            .args
            .iter()
            .map(|a| match a {
                ColumnarValue::Array(array) => Ok(array.clone()),
                ColumnarValue::Scalar(scalar) => scalar.to_array_of_size(1),
            })
            .map(|array| match array {
                Ok(a) if a.data_type() == &DataType::Utf8 => {
                    Ok(arrow::compute::cast(&a, &DataType::Utf8View)?)
                }
                other => other,
            })
            .collect::<DfResult<Vec<_>>>()?;
        let call = Call {
            args: arrays,
            rows,
            ret: SqlType::of_field(&args.return_field)
                .ok_or_else(|| DataFusionError::Internal("unknown result type".into()))?,
            options: &args.config_options,
        };
        let result = (form.body)(&call).map_err(df_error)?;
        if all_constant && !volatile {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &result, 0,
            )?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

fn ret_type(form: &Overload, args: &ReturnArgs) -> Result<SqlType> {
    match form.ret {
        Ret::Is(t) => Ok(t),
        Ret::Like(i) => Ok(match args.types.get(i).copied() {
            None | Some(SqlType::Unknown) => SqlType::Varchar(VARCHAR_MAX),
            Some(t) => t,
        }),
        Ret::By(f) => f(args),
    }
}

impl std::fmt::Debug for Func {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Func").field(&self.name).finish()
    }
}

// A function is its name: there is one list.
impl PartialEq for Func {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Func {}

impl Hash for Func {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
