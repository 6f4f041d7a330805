-- The catalog of a warehouse. Definitions are JSON documents; what is large and binary (row
-- batches, sets of deleted rows) has columns of its own. A key that is one number is the rowid
-- (INTEGER PRIMARY KEY), small rows have none: each commit touches as few pages as can be.

-- Counters: 'version', 'next_oid', 'next_segment', 'next_transaction'.
CREATE TABLE counter (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
) WITHOUT ROWID;

-- Databases, users, groups, schemas, relations. `parent` is the database of a schema and the
-- schema of a relation, else 0.
CREATE TABLE object (
    kind   TEXT   NOT NULL,
    oid    BIGINT NOT NULL,
    parent BIGINT NOT NULL,
    body   TEXT   NOT NULL,
    PRIMARY KEY (kind, oid)
);
CREATE INDEX object_parent ON object (parent);

CREATE TABLE comment (
    object_oid BIGINT NOT NULL,
    column_id  BIGINT NOT NULL,
    body       TEXT   NOT NULL,
    PRIMARY KEY (object_oid, column_id)
) WITHOUT ROWID;

-- Live segments. `rows_inline` is NULL for a segment that is a file.
CREATE TABLE segment (
    id           INTEGER PRIMARY KEY,
    table_oid    BIGINT NOT NULL,
    body         TEXT   NOT NULL,
    rows_inline  BLOB,
    deleted      BLOB,
    deleted_rows BIGINT NOT NULL
);
CREATE INDEX segment_table ON segment (table_oid);

CREATE TABLE table_stats (
    table_oid INTEGER PRIMARY KEY,
    body      TEXT NOT NULL
);

-- The next value of IDENTITY columns.
CREATE TABLE identity_next (
    table_oid  BIGINT NOT NULL,
    column_id  BIGINT NOT NULL,
    next_value BIGINT NOT NULL,
    PRIMARY KEY (table_oid, column_id)
) WITHOUT ROWID;

-- What each commit did, for followers; the newest commits only.
CREATE TABLE commit_log (
    version INTEGER PRIMARY KEY,
    body    BLOB NOT NULL
);

INSERT INTO counter (name, value) VALUES
    ('version', 0), ('next_oid', 100000), ('next_segment', 1), ('next_transaction', 1000);
