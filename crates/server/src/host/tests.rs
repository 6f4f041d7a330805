//! Namespaces, snapshots and restores, through the trait the control plane uses.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::util::display::array_value_to_string;
use async_trait::async_trait;
use futures::StreamExt;
use lw_aws_http::{BucketStore, Buckets, BucketsConfig};
use lw_base::{Result, SqlError};
use lw_services::warehouses::{
    ComputeSpec, NamespaceSpec, Networks, Provisioner, TableRestore, TemporaryLogin,
    TemporaryLogins,
};
use lw_services::{ClientInfo, Outcome, Proof, Session};

use super::files::{Layout, NAMESPACE_FILE, NamespaceFile, names, new_uuid, read_json, write_json};
use super::{Host, HostConfig};

/// A host in a directory, with nothing listening for its default namespace.
async fn host(dir: &Path) -> Arc<Host> {
    let buckets = Arc::new(BucketStore::open(&dir.join("s3")).unwrap());
    let config = BucketsConfig {
        access_key_id: "A".into(),
        secret_access_key: "S".into(),
        account_id: "000000000000".into(),
        region: "us-east-1".into(),
        external: None,
    };
    let host = Host::open(HostConfig {
        data_dir: dir.to_path_buf(),
        listener: None,
        tls: None,
        require_tls: false,
        max_connections: 10,
        admin_user: "awsuser".into(),
        admin_password: "Longwave1".into(),
        admin_password_given: true,
        memory_bytes: Some(256 << 20),
        partitions: Some(2),
        buckets: Arc::new(Buckets::new(buckets, config)),
    })
    .await
    .unwrap();
    // The sample database is not what these tests are about.
    host.namespace(host.default_namespace())
        .unwrap()
        .forget_samples();
    host
}

fn spec(id: &str, serverless: bool) -> NamespaceSpec {
    NamespaceSpec {
        id: id.into(),
        database: "shop".into(),
        admin_user: "boss".into(),
        admin_password: Some("Secret12".into()),
        sample_data: false,
        serverless,
    }
}

fn compute() -> ComputeSpec {
    ComputeSpec {
        name: "c".into(),
        port: 0,
        units: 2,
        memory_bytes: 128 << 20,
        networks: Networks::Any,
        settings: Vec::new(),
        idle_s: None,
        closed: None,
        max_connections: 5,
    }
}

fn client(user: &str, database: &str) -> ClientInfo {
    ClientInfo {
        user: user.into(),
        database: database.into(),
        options: BTreeMap::new(),
        remote_address: None,
        remote_port: 0,
        tls: true,
        tls_detail: String::new(),
    }
}

async fn session(host: &Host, id: &str) -> Box<dyn Session> {
    let sql = host.sql(id).await.unwrap();
    let client = client("boss", "shop");
    sql.connect(client, Proof::Trusted).await.unwrap()
}

/// Runs SQL; rows of the last statement, columns parted by `|`.
async fn run(session: &mut dyn Session, sql: &str) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for statement in session.parse(sql)? {
        let prepared = session.prepare(&statement, &[]).await?;
        lines.clear();
        if let Outcome::Rows { mut rows, .. } = session.execute(&prepared, Vec::new()).await? {
            while let Some(batch) = rows.next().await {
                let batch = batch?;
                for row in 0..batch.num_rows() {
                    let values = batch.columns().iter();
                    let values = values.map(|c| array_value_to_string(c, row).unwrap());
                    lines.push(values.collect::<Vec<_>>().join("|"));
                }
            }
        }
        session.sync().await?;
    }
    Ok(lines)
}

/// The same in a session of its own.
async fn ask(host: &Host, id: &str, sql: &str) -> Result<Vec<String>> {
    let mut session = session(host, id).await;
    let lines = run(session.as_mut(), sql).await;
    session.close().await;
    lines
}

fn state(error: SqlError) -> &'static str {
    error.state.0
}

/// A namespace with rows in files, rows inline, and deleted rows.
async fn shop(host: &Host, id: &str, serverless: bool) {
    host.create_namespace(&spec(id, serverless)).await.unwrap();
    host.start(id, &compute()).await.unwrap();
    ask(
        host,
        id,
        "create table item (id bigint identity(1,1), name varchar(20) not null default 'none', \
         price decimal(8,2) encode az64, primary key (id)) distkey(name) interleaved sortkey(name, price); \
         insert into item (name, price) select 'a' || i, i from (select row_number() over () i from \
         (select 1 union all select 2 union all select 3) a, (select 1 union all select 2 union all select 3) b, \
         (select 1 union all select 2 union all select 3) c, (select 1 union all select 2 union all select 3) d, \
         (select 1 union all select 2 union all select 3) e, (select 1 union all select 2 union all select 3) f, \
         (select 1 union all select 2 union all select 3) g) x; \
         vacuum full item; \
         insert into item (name, price) values ('late', 7.5); \
         delete from item where price = 3; \
         create user ana password 'Pass1234'; grant select on item to ana; \
         create table orders (item bigint references item(id)); alter table orders owner to ana; \
         insert into orders values (1), (2)",
    )
    .await
    .unwrap();
}

const TOTAL: &str = "select count(*), sum(price), count(distinct id) from item";

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let (one, two) = (new_uuid(), new_uuid());
    shop(&host, &one, true).await;
    // Once more is no error, and changes nothing.
    host.create_namespace(&spec(&one, true)).await.unwrap();
    host.create_namespace(&spec(&two, false)).await.unwrap();
    let refused = host.sql(&two).await.err().unwrap();
    assert_eq!(state(refused), "57P03");
    let address = host.start(&two, &compute()).await.unwrap();
    assert_eq!(state(ask(&host, &two, TOTAL).await.unwrap_err()), "42P01");
    assert_eq!(
        ask(&host, &one, TOTAL).await.unwrap()[0].split('|').next(),
        Some("2187")
    );
    let isolation = "select datname, datid from pg_database_info limit 0";
    ask(&host, &one, isolation).await.unwrap();
    // A port is kept for who asks the same again.
    host.stop(&two).await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert_eq!(host.start(&two, &compute()).await.unwrap(), address);
    tokio::net::TcpStream::connect(address).await.unwrap();
    host.delete_namespace(&two).await.unwrap();
    host.delete_namespace(&two).await.unwrap();
    assert!(host.usage(&two).await.is_err());
    let usage = host.usage(&one).await.unwrap();
    assert!(usage.bytes > 0 && usage.tables == 2, "{usage:?}");
    assert!(usage.charged_s >= 60, "{usage:?}");
    host.close().await;
    // A restart finds it again, not started, with what it was charged.
    let host = super::tests::host(dir.path()).await;
    let again = host.usage(&one).await.unwrap();
    assert_eq!((again.bytes, again.tables), (usage.bytes, usage.tables));
    assert!(again.charged_s >= usage.charged_s);
    host.start(&one, &compute()).await.unwrap();
    assert_eq!(
        ask(&host, &one, TOTAL).await.unwrap()[0].split('|').next(),
        Some("2187")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn compute_changes_under_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let id = new_uuid();
    host.create_namespace(&spec(&id, true)).await.unwrap();
    let with_settings = ComputeSpec {
        settings: vec![
            ("search_path".into(), "one, two".into()),
            ("wlm_json_configuration".into(), "[]".into()),
        ],
        ..compute()
    };
    host.start(&id, &with_settings).await.unwrap();
    let mut session = session(&host, &id).await;
    let show = "show search_path";
    assert_eq!(run(session.as_mut(), show).await.unwrap(), ["one, two"]);
    let closed = ComputeSpec {
        closed: Some("the limit is reached".into()),
        units: 4,
        ..compute()
    };
    host.start(&id, &closed).await.unwrap();
    run(session.as_mut(), "begin").await.unwrap();
    let error = run(session.as_mut(), "select 1").await.unwrap_err();
    assert_eq!(
        (error.message.as_str(), error.state.0),
        ("the limit is reached", "53400")
    );
    run(session.as_mut(), "rollback").await.unwrap();
    host.start(&id, &compute()).await.unwrap();
    run(session.as_mut(), "select 1").await.unwrap();
    // Settings come with the next start only.
    assert_eq!(ask(&host, &id, show).await.unwrap(), ["one, two"]);
    host.restart(&id, &compute()).await.unwrap();
    assert_eq!(ask(&host, &id, show).await.unwrap(), ["$user, public"]);
    let ended = run(session.as_mut(), "select 1").await.unwrap_err();
    assert_eq!(state(ended), "57P01");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_ones_close() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let id = new_uuid();
    host.create_namespace(&spec(&id, true)).await.unwrap();
    let idle = ComputeSpec {
        idle_s: Some(0),
        ..compute()
    };
    host.start(&id, &idle).await.unwrap();
    let namespace = host.namespace(&id).unwrap();
    assert!(
        namespace.open_now().is_none(),
        "opened by the first session"
    );
    let mut session = session(&host, &id).await;
    run(
        session.as_mut(),
        "create table t (a int); insert into t values (1)",
    )
    .await
    .unwrap();
    namespace.close_if_idle().await;
    assert!(namespace.open_now().is_some(), "it has a session");
    session.close().await;
    drop(session);
    namespace.close_if_idle().await;
    assert!(namespace.open_now().is_none());
    assert_eq!(host.usage(&id).await.unwrap().tables, 1);
    assert_eq!(ask(&host, &id, "select a from t").await.unwrap(), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alter_user_says_outlives_idleness() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let default = host.default_namespace().to_string();
    let sql = host.sql(&default).await.unwrap();
    let admin = async |password: &str| {
        let proof = Proof::Cleartext(password.into());
        sql.connect(client("awsuser", "dev"), proof).await
    };
    let mut session = admin("Longwave1").await.unwrap();
    run(session.as_mut(), "alter user awsuser password 'Another1'")
        .await
        .unwrap();
    session.close().await;
    drop(session);
    host.namespace(&default).unwrap().close().await;
    admin("Another1").await.unwrap().close().await;
    host.close().await;
    // A new start with a password given: the operator's word wins.
    let host = super::tests::host(dir.path()).await;
    let sql = host.sql(&default).await.unwrap();
    let proof = Proof::Cleartext("Longwave1".into());
    sql.connect(client("awsuser", "dev"), proof).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_hold_what_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let (one, two) = (new_uuid(), new_uuid());
    shop(&host, &one, false).await;
    let before = ask(&host, &one, TOTAL).await.unwrap();
    let mut open = session(&host, &one).await;
    run(
        open.as_mut(),
        "begin; insert into item (name) values ('never')",
    )
    .await
    .unwrap();
    let first = host.snapshot(&one, "first").await.unwrap();
    assert!(
        first.bytes > 0 && first.bytes == first.incremental_bytes,
        "{first:?}"
    );
    assert_eq!(host.snapshot(&one, "first").await.unwrap(), first);
    run(open.as_mut(), "rollback").await.unwrap();
    open.close().await;
    let second = host.snapshot(&one, "second").await.unwrap();
    assert!(second.incremental_bytes < second.bytes, "{second:?}");

    // All of it goes; the snapshots stay, in a namespace that is not started too.
    ask(
        &host,
        &one,
        "drop table item cascade; create table other (a int)",
    )
    .await
    .unwrap();
    host.stop(&one).await.unwrap();
    host.snapshot(&one, "stopped").await.unwrap();
    host.delete_namespace(&one).await.unwrap();
    host.copy_snapshot("first", "eu-central-1", "far")
        .await
        .unwrap();
    host.copy_snapshot("first", "eu-central-1", "far")
        .await
        .unwrap();
    host.delete_snapshot("first").await.unwrap();
    host.delete_snapshot("first").await.unwrap();

    // As it was: passwords, owners, privileges, rows; ids go on.
    host.restore("far", &two, false).await.unwrap();
    host.start(&two, &compute()).await.unwrap();
    assert_eq!(ask(&host, &two, TOTAL).await.unwrap(), before);
    let sql = host.sql(&two).await.unwrap();
    let password = Proof::Cleartext("Pass1234".into());
    let mut ana = sql.connect(client("ana", "shop"), password).await.unwrap();
    run(ana.as_mut(), "select count(*) from item")
        .await
        .unwrap();
    run(ana.as_mut(), "delete from orders").await.unwrap();
    ana.close().await;
    let added = "insert into item (name) values ('new'); \
         select count(*) - count(distinct id) from item";
    assert_eq!(ask(&host, &two, added).await.unwrap(), ["0"]);
    let sortkeys = "select count(*) from pg_table_def where tablename = 'item' and sortkey < 0";
    assert_ne!(ask(&host, &two, sortkeys).await.unwrap(), ["0"]);

    // Over one that exists, which must be stopped; as serverless.
    let started = host.restore("second", &two, true).await.unwrap_err();
    assert_eq!(state(started), "55006");
    host.stop(&two).await.unwrap();
    host.restore("second", &two, true).await.unwrap();
    host.restore("second", &two, true).await.unwrap();
    host.start(&two, &compute()).await.unwrap();
    assert_eq!(ask(&host, &two, TOTAL).await.unwrap(), before);
    assert_eq!(ask(&host, &two, sortkeys).await.unwrap(), ["0"]);
    ask(&host, &two, "vacuum full item").await.unwrap();
    assert_eq!(ask(&host, &two, TOTAL).await.unwrap(), before);
    assert_eq!(
        state(host.restore("none", &two, true).await.unwrap_err()),
        "42704"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_while_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let id = new_uuid();
    host.create_namespace(&spec(&id, true)).await.unwrap();
    host.start(&id, &compute()).await.unwrap();
    ask(&host, &id, "create table a (x int); create table b (x int)")
        .await
        .unwrap();
    let writer = {
        let (host, id) = (host.clone(), id.clone());
        tokio::spawn(async move {
            let mut session = session(&host, &id).await;
            for x in 0..60 {
                let both = format!(
                    "begin; insert into a values ({x}); insert into b values ({x}); commit"
                );
                run(session.as_mut(), &both).await.unwrap();
            }
            session.close().await;
        })
    };
    for n in 0..6 {
        host.snapshot(&id, &format!("s{n}")).await.unwrap();
    }
    writer.await.unwrap();
    let mut least = 0;
    for n in 0..6 {
        let copy = new_uuid();
        host.restore(&format!("s{n}"), &copy, true).await.unwrap();
        host.start(&copy, &compute()).await.unwrap();
        let both = "select (select count(*) from a), (select count(*) from b)";
        let found = ask(&host, &copy, both).await.unwrap();
        let (a, b) = found[0].split_once('|').unwrap();
        assert_eq!(a, b, "half a commit");
        let count: i64 = a.parse().unwrap();
        assert!(count >= least, "a later snapshot holds less");
        least = count;
        host.delete_namespace(&copy).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_namespace_restored() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let (one, default) = (new_uuid(), host.default_namespace().to_string());
    shop(&host, &one, false).await;
    host.snapshot(&one, "s").await.unwrap();
    assert!(dir.path().join("catalog.db").exists());
    host.stop(&default).await.unwrap();
    host.restore("s", &default, true).await.unwrap();
    assert!(!dir.path().join("catalog.db").exists());
    host.start(&default, &compute()).await.unwrap();
    let before = ask(&host, &one, TOTAL).await.unwrap();
    assert_eq!(ask(&host, &default, TOTAL).await.unwrap(), before);
    host.close().await;
    let host = super::tests::host(dir.path()).await;
    assert_eq!(host.default_namespace(), default);
    assert_eq!(ask(&host, &default, TOTAL).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_table_restored() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let (one, two) = (new_uuid(), new_uuid());
    shop(&host, &one, false).await;
    let before = ask(&host, &one, TOTAL).await.unwrap();
    host.snapshot(&one, "s").await.unwrap();
    ask(&host, &one, "delete from item").await.unwrap();
    let wanted = TableRestore {
        source_database: "shop".into(),
        source_schema: "public".into(),
        source_table: "item".into(),
        target_database: "shop".into(),
        target_schema: "public".into(),
        new_table: "item_again".into(),
        admin_user: "boss".into(),
    };
    let restored = host.restore_table("s", &one, &wanted).await.unwrap();
    assert_eq!(
        restored.rows.to_string(),
        before[0].split('|').next().unwrap()
    );
    let total = TOTAL.replace("item", "item_again");
    assert_eq!(ask(&host, &one, &total).await.unwrap(), before);
    let twice = host.restore_table("s", &one, &wanted).await.unwrap_err();
    assert_eq!(state(twice), "42P07");
    // The rows are its own: changes, collection of garbage and the end of the snapshot leave them.
    ask(&host, &one, "drop table item cascade").await.unwrap();
    host.delete_snapshot("s").await.unwrap();
    let namespace = host.namespace(&one).unwrap();
    namespace
        .open_now()
        .unwrap()
        .leader
        .collect_garbage()
        .await
        .unwrap();
    assert_eq!(ask(&host, &one, &total).await.unwrap(), before);
    let changed = "insert into item_again (price) values (1); update item_again set price = 2 where price = 1; \
         vacuum full item_again; select count(distinct id) - count(*), max(name) from item_again where name = 'none'";
    assert_eq!(ask(&host, &one, changed).await.unwrap(), ["0|none"]);

    // Elsewhere, where its owner is not known, and what it refers to is not there.
    host.snapshot(&one, "t").await.unwrap();
    host.create_namespace(&spec(&two, false)).await.unwrap();
    host.start(&two, &compute()).await.unwrap();
    let orders = TableRestore {
        source_table: "orders".into(),
        new_table: "orders".into(),
        ..wanted.clone()
    };
    host.restore_table("t", &two, &orders).await.unwrap();
    let owner = "select tableowner, (select count(*) from orders) from pg_tables where tablename = 'orders'";
    assert_eq!(ask(&host, &two, owner).await.unwrap(), ["boss|2"]);
    let wanted = TableRestore {
        source_table: "item_again".into(),
        ..wanted
    };
    for (wrong, code) in [
        (
            TableRestore {
                source_table: "gone".into(),
                ..wanted.clone()
            },
            "42P01",
        ),
        (
            TableRestore {
                target_schema: "gone".into(),
                ..wanted.clone()
            },
            "3F000",
        ),
        (
            TableRestore {
                source_database: "gone".into(),
                ..wanted.clone()
            },
            "3D000",
        ),
    ] {
        let error = host.restore_table("t", &two, &wrong).await.unwrap_err();
        assert_eq!(state(error), code);
    }
}

/// Knows one set of credentials for each user: the password is the user's name.
#[derive(Debug, Default)]
struct Known(AtomicUsize);

#[async_trait]
impl TemporaryLogins for Known {
    async fn check(&self, _: &str, user: &str, password: &str) -> Option<TemporaryLogin> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let name = user.split(':').nth(1).unwrap_or(user);
        (password == name).then(|| TemporaryLogin {
            db_user: name.to_string(),
            auto_create: user.starts_with("IAMA:"),
            superuser: false,
            database: (name == "bound").then(|| "elsewhere".to_string()),
            groups: vec!["readers".into(), "unknown".into()],
            roles: Vec::new(),
            request_id: "11111111-2222-4333-8444-555555555555".into(),
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_logins() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let id = new_uuid();
    shop(&host, &id, true).await;
    ask(
        &host,
        &id,
        "create group readers; create table secret (a int); insert into secret values (1); \
         grant select on secret to group readers; create user quiet password disable",
    )
    .await
    .unwrap();
    let known = Arc::new(Known::default());
    host.set_temporary_logins(known.clone());
    let sql = host.sql(&id).await.unwrap();
    assert!(sql.challenge("IAMA:eve:readers").await.unwrap().temporary);
    assert!(sql.challenge("quiet").await.unwrap().temporary);
    assert!(!sql.challenge("ana").await.unwrap().temporary);
    let word = |password: &str| Proof::Cleartext(password.into());
    let refused = async |user: &str, password: &str| {
        let done = sql.connect(client(user, "shop"), word(password)).await;
        let error = done.err().unwrap();
        assert!(error.fatal);
        error
    };
    assert_eq!(
        refused("IAM:eve", "eve").await.message,
        "password authentication failed for user \"IAM:eve\"",
        "there is no such user"
    );
    refused("IAMA:eve", "wrong").await;
    refused("iama:bound", "bound").await;
    // A user of this name with a password of its own.
    let asked = known.0.load(Ordering::Relaxed);
    let own = sql.connect(client("ana", "shop"), word("Pass1234")).await;
    own.unwrap().close().await;
    assert_eq!(known.0.load(Ordering::Relaxed), asked);

    let eve = client("IAMA:eve:readers", "shop");
    let plain = ClientInfo {
        tls: false,
        ..eve.clone()
    };
    let error = sql.connect(plain, word("eve")).await.err().unwrap();
    assert!(error.message.contains("encrypted"), "{error}");
    let mut eve = sql.connect(eve, word("eve")).await.unwrap();
    assert_eq!(
        run(eve.as_mut(), "select current_user, a from secret")
            .await
            .unwrap(),
        ["eve|1"]
    );
    run(
        eve.as_mut(),
        "create temp table mine as select a from secret",
    )
    .await
    .unwrap();
    assert_eq!(
        run(eve.as_mut(), "select count(*) from secret, mine")
            .await
            .unwrap(),
        ["1"]
    );
    eve.close().await;
    // The groups were the session's, not the user's; the user stays, without a password.
    let trusted = sql.connect(client("eve", "shop"), Proof::Trusted).await;
    let mut trusted = trusted.unwrap();
    let denied = run(trusted.as_mut(), "select a from secret")
        .await
        .unwrap_err();
    assert_eq!(state(denied), "42501");
    trusted.close().await;
    let log = "select trim(authmethod), trim(iamauthguid) from stl_connection_log \
         where trim(username) = 'eve' and trim(event) = 'authenticated' order by recordtime limit 1";
    let wanted = ["IAM|11111111-2222-4333-8444-555555555555"];
    assert_eq!(ask(&host, &id, log).await.unwrap(), wanted);

    // The Data API and its kin say themselves what the login is.
    let login = known.check(&id, "IAMA:dan", "dan").await.unwrap();
    let proof = Proof::Temporary(login);
    let mut dan = sql
        .connect(client("IAMA:dan", "shop"), proof)
        .await
        .unwrap();
    assert_eq!(
        run(dan.as_mut(), "select a from secret").await.unwrap(),
        ["1"]
    );
    dan.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admins() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let id = new_uuid();
    let none = NamespaceSpec {
        admin_password: None,
        ..spec(&id, true)
    };
    host.create_namespace(&none).await.unwrap();
    host.set_admin(&id, "boss", "First123").await.unwrap();
    host.start(&id, &compute()).await.unwrap();
    host.set_admin(&id, "chief", "Second12").await.unwrap();
    let sql = host.sql(&id).await.unwrap();
    for (user, password, right) in [
        ("boss", "First123", true),
        ("boss", "Secret12", false),
        ("chief", "Second12", true),
    ] {
        let proof = Proof::Cleartext(password.into());
        let done = sql.connect(client(user, "shop"), proof).await;
        assert_eq!(done.is_ok(), right, "{user}");
    }
}

fn file(id: &str, database: &str) -> NamespaceFile {
    NamespaceFile {
        id: id.into(),
        database: database.into(),
        admin_user: "boss".into(),
        serverless: false,
    }
}

/// A directory of a namespace with its file and one more.
fn place(path: &Path, database: &str) {
    std::fs::create_dir_all(path).unwrap();
    std::fs::write(path.join("catalog.db"), database).unwrap();
    write_json(&path.join(NAMESPACE_FILE), &file("x", database)).unwrap();
}

fn database_of(dir: &Path) -> Option<String> {
    let found = read_json::<NamespaceFile>(&dir.join("namespaces/x").join(NAMESPACE_FILE)).unwrap();
    let text = std::fs::read_to_string(dir.join("namespaces/x/catalog.db")).ok();
    assert_eq!(found.as_ref().map(|f| f.database.clone()), text);
    text
}

/// After each step of putting a namespace in its place the process may end.
#[test]
fn a_crash_in_the_middle_of_a_restore() {
    // What there is: place, `.new-`, its file, `.old-`; and what it must be after the next start.
    let cases: &[(bool, bool, bool, bool, &str)] = &[
        (true, true, false, false, "old"),
        (true, true, true, false, "old"),
        (false, true, true, true, "new"),
        (true, false, false, true, "new"),
        (true, false, false, false, "new"),
        (false, false, false, true, "old"),
    ];
    for (at, new, whole, old, after) in cases {
        let dir = tempfile::tempdir().unwrap();
        let all = dir.path().join("namespaces");
        if *at {
            place(&all.join("x"), after);
        }
        if *new {
            place(&all.join(".new-x"), "new");
            if !*whole {
                std::fs::remove_file(all.join(".new-x").join(NAMESPACE_FILE)).unwrap();
            }
        }
        if *old {
            place(&all.join(".old-x"), "old");
        }
        Layout::open(dir.path(), "boss").unwrap();
        assert_eq!(database_of(dir.path()).as_deref(), Some(*after));
        let left: Vec<_> = std::fs::read_dir(&all).unwrap().collect();
        assert_eq!(left.len(), 1, "work in progress is gone");
    }
}

#[test]
fn a_crash_in_the_middle_of_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    for half in [
        "snapshots/.new-s",
        "regions/r/snapshots/.new-s",
        "namespaces/.gone-x-1",
    ] {
        std::fs::create_dir_all(dir.path().join(half)).unwrap();
    }
    let layout = Layout::open(dir.path(), "boss").unwrap();
    assert!(layout.find_snapshot("s").unwrap().is_none());
    for place in ["snapshots", "regions/r/snapshots", "namespaces"] {
        assert!(
            std::fs::read_dir(dir.path().join(place))
                .unwrap()
                .next()
                .is_none()
        );
    }
    assert!(layout.find_snapshot("../x").is_err());
    assert!(names(&dir.path().join("none")).unwrap().is_empty());
}

#[test]
fn a_crash_in_the_middle_of_restoring_the_default() {
    let dir = tempfile::tempdir().unwrap();
    let id = Layout::open(dir.path(), "boss")
        .unwrap()
        .default_namespace()
        .to_string();
    std::fs::write(dir.path().join("catalog.db"), "old").unwrap();
    std::fs::create_dir_all(dir.path().join("segments/1")).unwrap();
    // Its new directory has its place; the old files are still there.
    let own = dir.path().join("namespaces").join(&id);
    place(&own, "new");
    let layout = Layout::open(dir.path(), "boss").unwrap();
    assert_eq!(layout.namespace(&id), own);
    assert!(!dir.path().join("catalog.db").exists() && !dir.path().join("segments").exists());
    assert_eq!(layout.default_namespace(), id);
}
