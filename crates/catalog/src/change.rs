//! Typed changes: the only way a catalog becomes another.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use lw_base::{Oid, SegmentId};
use serde::{Deserialize, Serialize};

use crate::model::*;

/// One change. A transaction's changes are applied in order, all or none.
///
/// `Put…` makes an object or replaces the one with the same id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// CREATE/ALTER DATABASE.
    PutDatabase(Arc<Database>),
    /// DROP DATABASE, with everything in it.
    DropDatabase(Oid),
    /// CREATE/ALTER USER.
    PutUser(Arc<User>),
    /// DROP USER.
    DropUser(Oid),
    /// CREATE/ALTER GROUP.
    PutGroup(Arc<Group>),
    /// DROP GROUP.
    DropGroup(Oid),
    /// CREATE/ALTER SCHEMA.
    PutSchema(Arc<Schema>),
    /// DROP SCHEMA; its relations are dropped by changes of their own, before.
    DropSchema(Oid),
    /// CREATE/ALTER TABLE or VIEW, GRANT on it.
    PutRelation(Arc<Relation>),
    /// DROP TABLE or VIEW, with its rows.
    DropRelation(Oid),
    /// COMMENT ON; `None` removes it. `column` is 0 for the object itself.
    Comment {
        /// The object.
        object: Oid,
        /// Column id, or 0.
        column: u32,
        /// The text.
        text: Option<String>,
    },
    /// New segments of a table (INSERT, COPY, fold, VACUUM).
    AddSegments {
        /// The table.
        table: Oid,
        /// The segments.
        segments: Vec<Arc<Segment>>,
    },
    /// Segments that are no longer part of a table (fold, VACUUM, TRUNCATE).
    RemoveSegments {
        /// The table.
        table: Oid,
        /// Their ids.
        segments: Vec<SegmentId>,
    },
    /// DELETE, UPDATE: the whole new set of deleted positions of one segment.
    SetDeleted {
        /// The table.
        table: Oid,
        /// The segment.
        segment: SegmentId,
        /// Serialized `roaring::RoaringTreemap`.
        #[serde(with = "crate::model::bytes_base64")]
        deleted: Bytes,
        /// How many positions it holds.
        deleted_rows: u64,
    },
    /// ANALYZE or a load: new statistics.
    PutStats {
        /// The table.
        table: Oid,
        /// They replace the old ones.
        stats: Arc<TableStats>,
    },
    /// The next value of IDENTITY columns. Never goes back: the larger step from the seed wins.
    AdvanceIdentity {
        /// The table.
        table: Oid,
        /// Next value by column id.
        next: BTreeMap<u32, i64>,
    },
}

impl Change {
    /// True if it changes what is defined (objects, users, privileges), and not only what tables
    /// hold and what is known of it.
    pub fn defines(&self) -> bool {
        !matches!(
            self,
            Change::AddSegments { .. }
                | Change::RemoveSegments { .. }
                | Change::SetDeleted { .. }
                | Change::PutStats { .. }
                | Change::AdvanceIdentity { .. }
        )
    }
}
