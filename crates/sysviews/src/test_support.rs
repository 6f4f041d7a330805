//! A small catalog for tests: database `dev` with user tables, a view, two users.

use std::sync::Arc;

use lw_base::{Oid, TxnId};
use lw_catalog::*;
use lw_pgrepr::SqlType;
use lw_settings::{SessionInfo, SettingValues};

use crate::context::{NoLiveState, SystemContext};

/// A column.
pub fn column(id: u32, name: &str, sql_type: SqlType) -> Column {
    Column {
        id,
        name: name.to_string(),
        sql_type,
        not_null: id == 1,
        default: None,
        added_default: None,
        identity: None,
        encoding: "az64".to_string(),
        encoding_explicit: false,
        case_insensitive: false,
    }
}

/// The catalog.
pub fn catalog() -> CatalogSnapshot {
    let mut catalog = CatalogSnapshot::default();
    let user = |oid: u32, name: &str, superuser| {
        Change::PutUser(Arc::new(User {
            oid: Oid(oid),
            name: name.to_string(),
            superuser,
            create_db: superuser,
            credential: None,
            valid_until: None,
            connection_limit: None,
            session_timeout_s: None,
            settings: Default::default(),
            syslog_unrestricted: false,
        }))
    };
    let changes = vec![
        user(100, "awsuser", true),
        user(101, "bob", false),
        Change::PutDatabase(Arc::new(Database {
            oid: Oid(100_000),
            name: "dev".to_string(),
            owner: Oid(100),
            isolation: Isolation::Serializable,
            connection_limit: None,
            read_only: false,
            case_sensitive: true,
        })),
        Change::PutSchema(Arc::new(Schema {
            oid: Oid(2200),
            database: Oid(100_000),
            name: "public".to_string(),
            owner: Oid(100),
            quota_bytes: None,
            acl: Acl([(Oid(0), "UC".to_string())].into()),
        })),
        Change::PutRelation(Arc::new(Relation {
            oid: Oid(100_010),
            schema: Oid(2200),
            name: "sales".to_string(),
            owner: Oid(100),
            kind: RelationKind::Table(TableDef {
                dist: DistStyle::Key(1),
                sort: SortKey::Compound(vec![2]),
                temporary: false,
                backup: true,
                next_column_id: 3,
                slices: SLICES_PER_TABLE,
                constraints: vec![Constraint {
                    oid: Oid(100_011),
                    name: "sales_pkey".to_string(),
                    kind: ConstraintKind::PrimaryKey,
                    columns: vec![1],
                }],
            }),
            columns: vec![
                column(1, "salesid", SqlType::Int4),
                column(2, "saletime", SqlType::Timestamp),
            ],
            acl: Acl::default(),
            created_at: 0,
        })),
        Change::PutRelation(Arc::new(Relation {
            oid: Oid(100_012),
            schema: Oid(2200),
            name: "v_sales".to_string(),
            owner: Oid(100),
            kind: RelationKind::View(ViewDef {
                query: "SELECT salesid FROM sales".to_string(),
                late_binding: false,
                search_path: vec!["public".to_string()],
                depends_on: vec![Oid(100_010)],
            }),
            columns: vec![column(1, "salesid", SqlType::Int4)],
            acl: Acl([(Oid(101), "r".to_string())].into()),
            created_at: 0,
        })),
    ];
    if let Err(e) = catalog.apply_all(&changes) {
        panic!("test catalog: {e}");
    }
    catalog
}

/// A session of this user.
pub fn context_of(user: Oid) -> SystemContext {
    SystemContext {
        session: Arc::new(SessionInfo {
            catalog: catalog(),
            database: Oid(100_000),
            user,
            session_user: user,
            temp_schema: Oid(100_020),
            search_path: vec!["$user".to_string(), "public".to_string()],
            settings: SettingValues::default(),
            pid: 1,
            xid: TxnId(1),
            query_id: 1,
            transaction_start: 0,
            statement_start: 0,
            last_copy_count: 0,
            last_copy_id: -1,
            last_query_id: -1,
            last_unload_count: 0,
        }),
        live: Arc::new(NoLiveState),
        functions: Arc::from(Vec::new()),
    }
}

/// A session of the superuser.
pub fn context() -> SystemContext {
    context_of(Oid(100))
}
