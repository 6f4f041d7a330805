//! The objects of the catalog. All are plain values; ids are given by the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use lw_base::{Oid, SegmentId, SliceId};
use lw_pgrepr::SqlType;
use serde::{Deserialize, Serialize};

/// How many slices a table's rows are divided into. Fixed per table at creation, so that a resize
/// re-maps slices to nodes and moves no data.
pub const SLICES_PER_TABLE: u16 = 2;

/// A database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Database {
    /// Its id.
    pub oid: Oid,
    /// Its name, lower case unless quoted at creation.
    pub name: String,
    /// The user that owns it.
    pub owner: Oid,
    /// How transactions on it are isolated (Developer Guide, CREATE DATABASE, ISOLATION LEVEL).
    pub isolation: Isolation,
    /// Most sessions at once; `None` is unlimited.
    pub connection_limit: Option<u32>,
    /// True for databases nobody may write to (`sample_data_dev`).
    pub read_only: bool,
    /// True if names compare with case (COLLATE CASE_SENSITIVE, the default).
    pub case_sensitive: bool,
}

/// Isolation of a database's transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Isolation {
    /// Transactions behave as if run one after another; else error 1023.
    Serializable,
    /// Transactions see one snapshot; two writers of the same rows conflict.
    Snapshot,
}

/// A database user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Its id (`usesysid`).
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// May do everything.
    pub superuser: bool,
    /// May create databases.
    pub create_db: bool,
    /// How it proves who it is; `None`: PASSWORD DISABLE.
    pub credential: Option<Credential>,
    /// Moment from which the password is refused, microseconds since 1970 UTC.
    pub valid_until: Option<i64>,
    /// Most sessions at once.
    pub connection_limit: Option<u32>,
    /// Seconds after which an idle session ends.
    pub session_timeout_s: Option<u32>,
    /// Settings of ALTER USER ... SET.
    pub settings: BTreeMap<String, String>,
    /// Members of SYSLOG ACCESS UNRESTRICTED see everybody's rows in the system views.
    pub syslog_unrestricted: bool,
}

/// What is kept of a password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// Salt of `sha256`.
    pub salt: Vec<u8>,
    /// SHA256(password || salt), checked for cleartext (3) and digest (13) logins.
    /// `None` if the password was given only as an MD5 hash.
    pub sha256: Option<Vec<u8>>,
    /// `md5(password || user)` as 32 hex digits, for MD5 (5) logins; `None` if not known.
    pub md5: Option<String>,
}

/// A group of users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its id (`grosysid`).
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// Its members.
    pub members: Vec<Oid>,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Its id.
    pub oid: Oid,
    /// The database it is in.
    pub database: Oid,
    /// Its name.
    pub name: String,
    /// The user that owns it.
    pub owner: Oid,
    /// Most bytes its tables may hold (CREATE SCHEMA ... QUOTA).
    pub quota_bytes: Option<u64>,
    /// Privileges beyond the owner's.
    pub acl: Acl,
}

/// Privileges given on an object: grantee (`Oid(0)` is PUBLIC) to privilege letters as PostgreSQL
/// prints them (`r` SELECT, `a` INSERT, `w` UPDATE, `d` DELETE, `U` USAGE, `C` CREATE, ...).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Acl(pub BTreeMap<Oid, String>);

impl Acl {
    /// True if `user` (or one of `groups`, or PUBLIC) was given `privilege`.
    pub fn allows(&self, user: Oid, groups: &[Oid], privilege: char) -> bool {
        std::iter::once(&user)
            .chain(groups)
            .chain(std::iter::once(&Oid(0)))
            .any(|who| self.0.get(who).is_some_and(|p| p.contains(privilege)))
    }
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// Its id.
    pub oid: Oid,
    /// The schema it is in.
    pub schema: Oid,
    /// Its name.
    pub name: String,
    /// The user that owns it.
    pub owner: Oid,
    /// Table, view, ...
    pub kind: RelationKind,
    /// Its columns in order of creation. A dropped column is removed; the others keep their `id`.
    pub columns: Vec<Column>,
    /// Privileges beyond the owner's.
    pub acl: Acl,
    /// When it was made, microseconds since 1970 UTC.
    pub created_at: i64,
}

/// What a relation is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RelationKind {
    /// A table with rows.
    Table(TableDef),
    /// A stored query.
    View(ViewDef),
}

impl Relation {
    /// The table's definition, if it is a table.
    pub fn table(&self) -> Option<&TableDef> {
        match &self.kind {
            RelationKind::Table(t) => Some(t),
            RelationKind::View(_) => None,
        }
    }

    /// The view's definition, if it is a view.
    pub fn view(&self) -> Option<&ViewDef> {
        match &self.kind {
            RelationKind::View(v) => Some(v),
            RelationKind::Table(_) => None,
        }
    }

    /// The position of the column with this name (names are compared as they are).
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its number within the table, from 1, never reused (`attnum`). Segments name their columns
    /// by it (see [`Column::storage_name`]), so that a rename touches no file.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// NOT NULL.
    pub not_null: bool,
    /// DEFAULT, as SQL text.
    pub default: Option<String>,
    /// The value rows have that were stored before ADD COLUMN, as SQL text of a constant.
    pub added_default: Option<String>,
    /// IDENTITY.
    pub identity: Option<Identity>,
    /// ENCODE, lower case (`az64`, `lzo`, `raw`, ...). Kept and shown; the files choose their own.
    pub encoding: String,
    /// True if ENCODE was given by the user and not chosen automatically.
    pub encoding_explicit: bool,
    /// True for COLLATE CASE_INSENSITIVE.
    pub case_insensitive: bool,
}

impl Column {
    /// The name of the column inside segments.
    pub fn storage_name(&self) -> String {
        format!("c{}", self.id)
    }
}

/// IDENTITY(seed, step). The next value is kept with the table's data, not here.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// First value.
    pub seed: i64,
    /// Difference of neighbours.
    pub step: i64,
    /// GENERATED BY DEFAULT AS IDENTITY: an INSERT may give its own values.
    pub by_default: bool,
}

/// Distribution of a table's rows over slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum DistStyle {
    /// AUTO; the style in force now is the payload of `svv_table_info` (`AUTO(ALL)` while small).
    Auto,
    /// Round robin.
    Even,
    /// A copy on every node.
    All,
    /// By hash of the column with this id.
    Key(u32),
}

/// Sort key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SortKey {
    /// SORTKEY AUTO (none chosen yet).
    Auto,
    /// No sort key.
    None,
    /// By these column ids, the first the most significant.
    Compound(Vec<u32>),
    /// By these column ids with equal weight (Z-order).
    Interleaved(Vec<u32>),
}

/// Definition of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableDef {
    /// Distribution style.
    pub dist: DistStyle,
    /// Sort key.
    pub sort: SortKey,
    /// TEMP: seen by its session only, gone with it.
    pub temporary: bool,
    /// BACKUP NO is `false`.
    pub backup: bool,
    /// The next column id to give.
    pub next_column_id: u32,
    /// Number of slices.
    pub slices: u16,
    /// Informational keys.
    pub constraints: Vec<Constraint>,
}

/// An informational constraint (Redshift does not enforce keys).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// Its id.
    pub oid: Oid,
    /// Its name, given or made (`sales_pkey`).
    pub name: String,
    /// Which kind.
    pub kind: ConstraintKind,
    /// Its columns, by id, in order.
    pub columns: Vec<u32>,
}

/// Kind of a constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ConstraintKind {
    /// PRIMARY KEY
    PrimaryKey,
    /// UNIQUE
    Unique,
    /// FOREIGN KEY REFERENCES table(columns)
    ForeignKey {
        /// The referenced table.
        table: Oid,
        /// Its columns by id.
        columns: Vec<u32>,
    },
}

/// Definition of a view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViewDef {
    /// The query's text.
    pub query: String,
    /// WITH NO SCHEMA BINDING.
    pub late_binding: bool,
    /// `search_path` at creation, with which the text is resolved.
    pub search_path: Vec<String>,
    /// The relations it reads (empty for late binding): DROP of one of them is refused or cascades.
    pub depends_on: Vec<Oid>,
}

/// What a table holds: segments and what is known of them.
#[derive(Debug, Clone, Default)]
pub struct TableData {
    /// The live segments.
    pub segments: imbl::OrdMap<SegmentId, Arc<Segment>>,
    /// Statistics gathered by loads and ANALYZE.
    pub stats: Arc<TableStats>,
    /// The next value of each IDENTITY column, by column id.
    pub identity_next: BTreeMap<u32, i64>,
}

impl TableData {
    /// Live rows.
    pub fn row_count(&self) -> u64 {
        self.segments.values().map(|s| s.live_rows()).sum()
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.segments.values().map(|s| s.bytes).sum()
    }
}

/// A run of rows of one table in one slice, never changed once committed (but for its deletes).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// The slice its rows belong to.
    pub slice: SliceId,
    /// Where the rows are.
    pub place: Place,
    /// Rows, deleted ones included.
    pub rows: u64,
    /// Bytes of the file or batch.
    pub bytes: u64,
    /// True if the rows are in order of the table's sort key.
    pub sorted: bool,
    /// Per column id: bounds and null count.
    pub columns: BTreeMap<u32, ColumnBounds>,
    /// Positions of deleted rows: a serialized `roaring::RoaringTreemap`; empty if none.
    #[serde(with = "bytes_base64")]
    pub deleted: Bytes,
    /// How many positions `deleted` holds.
    pub deleted_rows: u64,
}

impl Segment {
    /// Rows that are not deleted.
    pub fn live_rows(&self) -> u64 {
        self.rows - self.deleted_rows
    }
}

/// Where a segment's rows are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Place {
    /// A Vortex file on the object store, by its key below the warehouse's root.
    File(String),
    /// A row batch inside the catalog store: an Arrow IPC stream. Made by small INSERTs, folded
    /// into files in the background.
    Inline(#[serde(with = "bytes_base64")] Bytes),
}

/// What is known of one column in one segment. Bounds are single values in Arrow's row-independent
/// text form made by `lw_pgrepr` (`ScalarText`), so that they can be kept as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnBounds {
    /// Smallest value (`None`: unknown or all null). Strings may be cut short (then it is a lower bound).
    pub min: Option<Bound>,
    /// Largest value (`None`: unknown or all null). Strings may be cut and raised (an upper bound).
    pub max: Option<Bound>,
    /// Nulls, if counted.
    pub nulls: Option<u64>,
}

/// A bound, by the family of its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    /// BOOLEAN, integers, DATE (days), TIME, TIMESTAMP (microseconds), TIMETZ (nanoseconds)
    Int(i64),
    /// DECIMAL: the unscaled value
    Decimal(i128),
    /// REAL, DOUBLE PRECISION
    Float(#[serde(with = "float_json")] f64),
    /// Strings
    Text(String),
}

/// Statistics of a table, from loads (cheap) and ANALYZE (thorough).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableStats {
    /// Rows when ANALYZE last ran.
    pub rows: u64,
    /// Rows inserted, updated or deleted since (for `stats_off`).
    pub modified_since: u64,
    /// When ANALYZE last ran, microseconds since 1970 UTC.
    pub analyzed_at: Option<i64>,
    /// By column id.
    pub columns: BTreeMap<u32, ColumnStats>,
}

/// Statistics of a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStats {
    /// Estimated number of distinct values.
    pub distinct: Option<u64>,
    /// Sketch of the distinct values, in `storage`'s form, so that loads can merge theirs.
    #[serde(with = "bytes_base64", default)]
    pub sketch: Bytes,
    /// Fraction of nulls, 0 to 1.
    #[serde(with = "float_json")]
    pub null_fraction: f64,
    /// Mean width in bytes.
    #[serde(with = "float_json")]
    pub width_bytes: f64,
    /// Bounds of equal-height buckets, smallest to largest, if ANALYZE made them.
    #[serde(default)]
    pub histogram: Vec<Bound>,
}

/// Bytes as base64 in JSON.
pub(crate) mod bytes_base64 {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        STANDARD
            .decode(String::deserialize(deserializer)?)
            .map(Bytes::from)
            .map_err(D::Error::custom)
    }
}

/// Floats in JSON, which has no word for infinity and NaN: those are strings.
pub(crate) mod float_json {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(f64),
        Word(String),
    }

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_f64(*value)
        } else {
            serializer.collect_str(value)
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Either::deserialize(deserializer)? {
            Either::Number(number) => Ok(number),
            Either::Word(word) => word.parse().map_err(D::Error::custom),
        }
    }
}
