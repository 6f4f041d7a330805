//! Identifiers. Each is a newtype so that a table cannot be passed where a segment is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// Identity of a catalog object (database, schema, relation, user, type, function), unique in the
    /// warehouse. Objects of users start at [`Oid::FIRST_USER`].
    Oid(u32)
);
id!(
    /// Identity of a segment (a run of rows of one table, immutable once committed).
    SegmentId(u64)
);
id!(
    /// Identity of a transaction, as `pg_catalog` and the system views show it (`xid`).
    TxnId(u64)
);
id!(
    /// Version of the catalog: the number of commits so far.
    Version(u64)
);
id!(
    /// A slice of a table: the unit of distribution. Rows with the same DISTKEY share a slice.
    SliceId(u16)
);

impl Oid {
    /// The first id given to an object a user makes. Built-in objects stay below.
    pub const FIRST_USER: Oid = Oid(100_000);
}
