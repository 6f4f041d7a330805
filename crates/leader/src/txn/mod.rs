//! Transactions: snapshots, table locks, serializability, commit.
