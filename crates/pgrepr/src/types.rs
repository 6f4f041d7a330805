//! [`SqlType`]: one value per Redshift type, with everything the catalog, the planner and the wire
//! need to know of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};
use serde::{Deserialize, Serialize};

/// Field metadata key that carries the exact Redshift type of an Arrow field, in the form of
/// [`SqlType`]'s `Display` (for instance `character varying(20)`). A field without it has the type
/// that [`SqlType::from_arrow`] gives its Arrow type.
pub const TYPE_KEY: &str = "lw.type";

/// The longest VARCHAR, in bytes (Developer Guide, "Character types").
pub const VARCHAR_MAX: u32 = 65_535;
/// The longest CHAR, in bytes (Developer Guide, "Character types").
pub const CHAR_MAX: u32 = 4_096;

/// A type of Redshift's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SqlType {
    /// BOOLEAN
    Bool,
    /// SMALLINT
    Int2,
    /// INTEGER
    Int4,
    /// BIGINT
    Int8,
    /// DECIMAL(precision, scale); precision 1 to 38, scale 0 to 37
    Numeric(u8, i8),
    /// REAL
    Float4,
    /// DOUBLE PRECISION
    Float8,
    /// CHAR(n): n bytes, blank padded in comparisons
    Char(u32),
    /// VARCHAR(n): at most n bytes
    Varchar(u32),
    /// TEXT as an expression's type (a column declared TEXT is VARCHAR(256))
    Text,
    /// DATE
    Date,
    /// TIME
    Time,
    /// TIMETZ, held in UTC
    TimeTz,
    /// TIMESTAMP
    Timestamp,
    /// TIMESTAMPTZ
    TimestampTz,
    /// INTERVAL YEAR TO MONTH
    IntervalYM,
    /// INTERVAL DAY TO SECOND
    IntervalDS,
    /// VARBYTE(n)
    Varbyte(u32),
    /// The type of a bare literal or of NULL before it is resolved
    Unknown,
    /// `oid` of the system catalogs
    Oid,
    /// `name` of the system catalogs
    Name,
    /// `"char"` of the system catalogs (one byte)
    CharByte,
    /// `regproc`
    Regproc,
    /// `xid`
    Xid,
    /// `int2[]`
    Int2Array,
    /// `int4[]`
    Int4Array,
    /// `oid[]`
    OidArray,
    /// `text[]`
    TextArray,
    /// `name[]`
    NameArray,
    /// `aclitem[]`
    AclItemArray,
    /// `int2vector`
    Int2Vector,
    /// `oidvector`
    OidVector,
    /// `void` (a function that returns nothing)
    Void,
}

use SqlType::*;

impl SqlType {
    /// The type's OID in `pg_type` (spec part 3 §7.5).
    pub fn oid(self) -> u32 {
        match self {
            Bool => 16,
            CharByte => 18,
            Name => 19,
            Int8 => 20,
            Int2 => 21,
            Int2Vector => 22,
            Int4 => 23,
            Regproc => 24,
            Text => 25,
            Oid => 26,
            Xid => 28,
            OidVector => 30,
            Float4 => 700,
            Float8 => 701,
            Unknown => 705,
            Int2Array => 1005,
            Int4Array => 1007,
            TextArray => 1009,
            OidArray => 1028,
            NameArray => 1003,
            AclItemArray => 1034,
            Char(_) => 1042,
            Varchar(_) => 1043,
            Date => 1082,
            Time => 1083,
            Timestamp => 1114,
            TimestampTz => 1184,
            IntervalYM => 1188,
            IntervalDS => 1190,
            TimeTz => 1266,
            Numeric(..) => 1700,
            Void => 2278,
            Varbyte(_) => 6551,
        }
    }

    /// The type with this OID and typmod (-1: none), if Longwave has it.
    pub fn from_oid(oid: u32, typmod: i32) -> Option<SqlType> {
        let len = |max: u32| if typmod > 4 { (typmod - 4) as u32 } else { max };
        Some(match oid {
            16 => Bool,
            18 => CharByte,
            19 => Name,
            20 => Int8,
            21 => Int2,
            22 => Int2Vector,
            23 => Int4,
            24 => Regproc,
            25 => Text,
            26 => Oid,
            28 => Xid,
            30 => OidVector,
            700 => Float4,
            701 => Float8,
            705 => Unknown,
            1003 => NameArray,
            1005 => Int2Array,
            1007 => Int4Array,
            1009 => TextArray,
            1028 => OidArray,
            1034 => AclItemArray,
            1042 => Char(len(1)),
            1043 => Varchar(len(VARCHAR_MAX)),
            1082 => Date,
            1083 => Time,
            1114 => Timestamp,
            1184 => TimestampTz,
            1188 => IntervalYM,
            1186 | 1190 => IntervalDS,
            1266 => TimeTz,
            1700 if typmod >= 4 => {
                let packed = (typmod - 4) as u32;
                Numeric((packed >> 16) as u8, (packed & 0xffff) as i8)
            }
            1700 => Numeric(38, 10),
            2278 => Void,
            6551 => Varbyte(len(64_000)),
            _ => return None,
        })
    }

    /// `atttypmod`: -1 where the type has no parameter.
    pub fn typmod(self) -> i32 {
        match self {
            Numeric(p, s) => (((p as i32) << 16) | (s as i32 & 0xffff)) + 4,
            Char(n) | Varchar(n) | Varbyte(n) => n as i32 + 4,
            _ => -1,
        }
    }

    /// `typlen`: bytes of a fixed-size type, -1 if its size varies, -2 for a C string.
    pub fn typlen(self) -> i16 {
        match self {
            Bool | CharByte => 1,
            Int2 => 2,
            Int4 | Oid | Regproc | Xid | Float4 | Date | IntervalYM | Void => 4,
            Int8 | Float8 | Time | Timestamp | TimestampTz | IntervalDS => 8,
            TimeTz => 12,
            Name => 64,
            Unknown => -2,
            _ => -1,
        }
    }

    /// `pg_type.typname`.
    pub fn typname(self) -> &'static str {
        match self {
            Bool => "bool",
            Int2 => "int2",
            Int4 => "int4",
            Int8 => "int8",
            Numeric(..) => "numeric",
            Float4 => "float4",
            Float8 => "float8",
            Char(_) => "bpchar",
            Varchar(_) => "varchar",
            Text => "text",
            Date => "date",
            Time => "time",
            TimeTz => "timetz",
            Timestamp => "timestamp",
            TimestampTz => "timestamptz",
            IntervalYM => "intervaly2m",
            IntervalDS => "intervald2s",
            Varbyte(_) => "varbyte",
            Unknown => "unknown",
            Oid => "oid",
            Name => "name",
            CharByte => "char",
            Regproc => "regproc",
            Xid => "xid",
            Int2Array => "_int2",
            Int4Array => "_int4",
            OidArray => "_oid",
            TextArray => "_text",
            NameArray => "_name",
            AclItemArray => "_aclitem",
            Int2Vector => "int2vector",
            OidVector => "oidvector",
            Void => "void",
        }
    }

    /// The Arrow type in which values of this type are held, everywhere in the engine and storage.
    ///
    /// TIMETZ is `Time64(Nanosecond)` (TIME is microseconds, so the two never mix), always in UTC.
    pub fn arrow(self) -> DataType {
        let list = |item: DataType| DataType::List(Arc::new(Field::new_list_field(item, true)));
        match self {
            Bool => DataType::Boolean,
            Int2 => DataType::Int16,
            Int4 => DataType::Int32,
            Int8 => DataType::Int64,
            Numeric(p, s) => DataType::Decimal128(p, s),
            Float4 => DataType::Float32,
            Float8 => DataType::Float64,
            Char(_) | Varchar(_) | Text | Name | CharByte | Regproc => DataType::Utf8View,
            Int2Vector | OidVector => DataType::Utf8View,
            Date => DataType::Date32,
            Time => DataType::Time64(TimeUnit::Microsecond),
            TimeTz => DataType::Time64(TimeUnit::Nanosecond),
            Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            IntervalYM => DataType::Interval(IntervalUnit::YearMonth),
            IntervalDS => DataType::Interval(IntervalUnit::MonthDayNano),
            Varbyte(_) => DataType::BinaryView,
            Unknown | Void => DataType::Null,
            Oid | Xid => DataType::UInt32,
            Int2Array => list(DataType::Int16),
            Int4Array => list(DataType::Int32),
            OidArray => list(DataType::UInt32),
            TextArray | NameArray | AclItemArray => list(DataType::Utf8View),
        }
    }

    /// The Redshift type an Arrow type stands for when its field names none.
    pub fn from_arrow(data_type: &DataType) -> Option<SqlType> {
        Some(match data_type {
            DataType::Null => Unknown,
            DataType::Boolean => Bool,
            DataType::Int8 | DataType::UInt8 | DataType::Int16 => Int2,
            DataType::UInt16 | DataType::Int32 => Int4,
            DataType::Int64 | DataType::UInt64 => Int8,
            DataType::UInt32 => Oid,
            DataType::Decimal32(p, s)
            | DataType::Decimal64(p, s)
            | DataType::Decimal128(p, s)
            | DataType::Decimal256(p, s) => Numeric((*p).min(38), *s),
            DataType::Float16 | DataType::Float32 => Float4,
            DataType::Float64 => Float8,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Varchar(VARCHAR_MAX),
            DataType::Date32 | DataType::Date64 => Date,
            DataType::Time32(_) | DataType::Time64(TimeUnit::Microsecond) => Time,
            DataType::Time64(_) => TimeTz,
            DataType::Timestamp(_, None) => Timestamp,
            DataType::Timestamp(_, Some(_)) => TimestampTz,
            DataType::Interval(IntervalUnit::YearMonth) => IntervalYM,
            DataType::Interval(_) | DataType::Duration(_) => IntervalDS,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Varbyte(64_000),
            DataType::Dictionary(_, value) => return SqlType::from_arrow(value),
            DataType::List(f) | DataType::LargeList(f) | DataType::ListView(f) => {
                match f.data_type() {
                    DataType::Int16 => Int2Array,
                    DataType::Int32 | DataType::Int64 => Int4Array,
                    DataType::UInt32 => OidArray,
                    _ => TextArray,
                }
            }
            _ => return None,
        })
    }

    /// The Redshift type of a field: the one its metadata names, else the one of its Arrow type.
    pub fn of_field(field: &Field) -> Option<SqlType> {
        field
            .metadata()
            .get(TYPE_KEY)
            .and_then(|name| SqlType::parse(name))
            // An expression may keep a column's metadata while changing its type (a cast).
            .filter(|t| {
                let want = t.arrow();
                want == *field.data_type()
                    || (want == DataType::Utf8View && is_string(field.data_type()))
            })
            .or_else(|| SqlType::from_arrow(field.data_type()))
    }

    /// An Arrow field of this type, its exact type in the metadata.
    pub fn field(self, name: impl Into<String>, nullable: bool) -> Field {
        let metadata = HashMap::from([(TYPE_KEY.to_string(), self.to_string())]);
        Field::new(name, self.arrow(), nullable).with_metadata(metadata)
    }

    /// As [`SqlType::field`], shared.
    pub fn field_ref(self, name: impl Into<String>, nullable: bool) -> FieldRef {
        Arc::new(self.field(name, nullable))
    }

    /// True for CHAR, VARCHAR, TEXT and the string-like types of the system catalogs.
    pub fn is_string(self) -> bool {
        matches!(
            self,
            Char(_) | Varchar(_) | Text | Name | CharByte | Int2Vector | OidVector | Regproc
        )
    }

    /// The inverse of `Display`.
    pub fn parse(name: &str) -> Option<SqlType> {
        let (base, args) = match name.split_once('(') {
            Some((base, rest)) => (base, rest.trim_end_matches(')')),
            None => (name, ""),
        };
        let len = || args.parse::<u32>().ok();
        Some(match base {
            "boolean" => Bool,
            "smallint" => Int2,
            "integer" => Int4,
            "bigint" => Int8,
            "numeric" => {
                let (p, s) = args.split_once(',')?;
                Numeric(p.trim().parse().ok()?, s.trim().parse().ok()?)
            }
            "real" => Float4,
            "double precision" => Float8,
            "character" => Char(len()?),
            "character varying" => Varchar(len()?),
            "text" => Text,
            "date" => Date,
            "time without time zone" => Time,
            "time with time zone" => TimeTz,
            "timestamp without time zone" => Timestamp,
            "timestamp with time zone" => TimestampTz,
            "interval year to month" => IntervalYM,
            "interval day to second" => IntervalDS,
            "binary varying" => Varbyte(len()?),
            "unknown" => Unknown,
            "oid" => Oid,
            "name" => Name,
            "\"char\"" => CharByte,
            "regproc" => Regproc,
            "xid" => Xid,
            "smallint[]" => Int2Array,
            "integer[]" => Int4Array,
            "oid[]" => OidArray,
            "text[]" => TextArray,
            "name[]" => NameArray,
            "aclitem[]" => AclItemArray,
            "int2vector" => Int2Vector,
            "oidvector" => OidVector,
            "void" => Void,
            _ => return None,
        })
    }
}

fn is_string(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// The name `format_type` and `svv_columns` show: `character varying(20)`, `numeric(12,2)`.
impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bool => f.write_str("boolean"),
            Int2 => f.write_str("smallint"),
            Int4 => f.write_str("integer"),
            Int8 => f.write_str("bigint"),
            Numeric(p, s) => write!(f, "numeric({p},{s})"),
            Float4 => f.write_str("real"),
            Float8 => f.write_str("double precision"),
            Char(n) => write!(f, "character({n})"),
            Varchar(n) => write!(f, "character varying({n})"),
            Text => f.write_str("text"),
            Date => f.write_str("date"),
            Time => f.write_str("time without time zone"),
            TimeTz => f.write_str("time with time zone"),
            Timestamp => f.write_str("timestamp without time zone"),
            TimestampTz => f.write_str("timestamp with time zone"),
            IntervalYM => f.write_str("interval year to month"),
            IntervalDS => f.write_str("interval day to second"),
            Varbyte(n) => write!(f, "binary varying({n})"),
            Unknown => f.write_str("unknown"),
            Oid => f.write_str("oid"),
            Name => f.write_str("name"),
            CharByte => f.write_str("\"char\""),
            Regproc => f.write_str("regproc"),
            Xid => f.write_str("xid"),
            Int2Array => f.write_str("smallint[]"),
            Int4Array => f.write_str("integer[]"),
            OidArray => f.write_str("oid[]"),
            TextArray => f.write_str("text[]"),
            NameArray => f.write_str("name[]"),
            AclItemArray => f.write_str("aclitem[]"),
            Int2Vector => f.write_str("int2vector"),
            OidVector => f.write_str("oidvector"),
            Void => f.write_str("void"),
        }
    }
}
