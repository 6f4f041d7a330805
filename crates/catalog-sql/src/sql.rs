//! Every statement the store sends. Kept to what SQLite and PostgreSQL both understand (numbered
//! parameters are `?n` here and `$n` there).

pub const GET_COUNTER: &str = "SELECT value FROM counter WHERE name = ?1";
pub const SET_VERSION: &str = "UPDATE counter SET value = ?2 WHERE name = 'version' AND value = ?1";
pub const ADD_COUNTER: &str =
    "UPDATE counter SET value = value + ?2 WHERE name = ?1 RETURNING value";
pub const RAISE_COUNTER: &str = "UPDATE counter SET value = max(value, ?2) WHERE name = ?1";

pub const ALL_OBJECTS: &str = "SELECT kind, body FROM object";
pub const ALL_COMMENTS: &str = "SELECT object_oid, column_id, body FROM comment";
pub const ALL_SEGMENTS: &str =
    "SELECT table_oid, body, rows_inline, deleted, deleted_rows FROM segment ORDER BY table_oid";
pub const ALL_STATS: &str = "SELECT table_oid, body FROM table_stats";
pub const ALL_IDENTITY: &str = "SELECT table_oid, column_id, next_value FROM identity_next";

pub const PUT_OBJECT: &str = "INSERT INTO object (kind, oid, parent, body) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (kind, oid) DO UPDATE SET parent = excluded.parent, body = excluded.body";
pub const DROP_OBJECT: &str = "DELETE FROM object WHERE kind = ?1 AND oid = ?2";
pub const GET_OBJECT: &str = "SELECT body FROM object WHERE kind = ?1 AND oid = ?2";
pub const CHILDREN: &str = "SELECT oid FROM object WHERE kind = ?1 AND parent = ?2";

pub const PUT_COMMENT: &str =
    "INSERT INTO comment (object_oid, column_id, body) VALUES (?1, ?2, ?3)
    ON CONFLICT (object_oid, column_id) DO UPDATE SET body = excluded.body";
pub const DROP_COMMENT: &str = "DELETE FROM comment WHERE object_oid = ?1 AND column_id = ?2";
pub const DROP_COMMENTS: &str = "DELETE FROM comment WHERE object_oid = ?1";

pub const ADD_SEGMENT: &str =
    "INSERT INTO segment (id, table_oid, body, rows_inline, deleted, deleted_rows)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub const DROP_SEGMENT: &str = "DELETE FROM segment WHERE id = ?1";
pub const DROP_SEGMENTS: &str = "DELETE FROM segment WHERE table_oid = ?1";
pub const SET_DELETED: &str = "UPDATE segment SET deleted = ?2, deleted_rows = ?3 WHERE id = ?1";

pub const PUT_STATS: &str = "INSERT INTO table_stats (table_oid, body) VALUES (?1, ?2)
    ON CONFLICT (table_oid) DO UPDATE SET body = excluded.body";
pub const DROP_STATS: &str = "DELETE FROM table_stats WHERE table_oid = ?1";

pub const GET_IDENTITY: &str =
    "SELECT next_value FROM identity_next WHERE table_oid = ?1 AND column_id = ?2";
pub const PUT_IDENTITY: &str =
    "INSERT INTO identity_next (table_oid, column_id, next_value) VALUES (?1, ?2, ?3)
    ON CONFLICT (table_oid, column_id) DO UPDATE SET next_value = excluded.next_value";
pub const DROP_IDENTITY: &str = "DELETE FROM identity_next WHERE table_oid = ?1";
/// Values taken for tables whose transaction never committed.
pub const DROP_STRAY_IDENTITY: &str = "DELETE FROM identity_next WHERE table_oid NOT IN
    (SELECT oid FROM object WHERE kind = 'relation')";

pub const ADD_LOG: &str = "INSERT INTO commit_log (version, body) VALUES (?1, ?2)";
pub const READ_LOG: &str =
    "SELECT version, body FROM commit_log WHERE version > ?1 ORDER BY version";
pub const PRUNE_LOG: &str = "DELETE FROM commit_log WHERE version <= ?1";

pub const ALL_RECORDS: &str = "SELECT kind, id, body FROM records ORDER BY kind, id";
pub const PUT_RECORD: &str = "INSERT INTO records (kind, id, body) VALUES (?1, ?2, ?3) \
     ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body";
pub const DELETE_RECORD: &str = "DELETE FROM records WHERE kind = ?1 AND id = ?2";
