//! The log keeps what was recorded, bounded, across restarts.
#![allow(clippy::unwrap_used)]

use lw_base::Oid;
use lw_events::*;

fn query(id: i64) -> QueryRecord {
    QueryRecord {
        query_id: id,
        user: Oid(100),
        text: "select 'é\u{0}'".into(),
        start: id,
        ..QueryRecord::default()
    }
}

#[tokio::test]
async fn a_query_from_start_to_end() {
    let log = EventLog::in_memory();
    log.start_query(query(7));
    log.update_query(7, |q| q.lock_wait_time = 5);
    assert_eq!(log.queries()[0].status, QueryStatus::Running);
    assert_eq!(log.queries()[0].end, None);
    log.finish_query(7, |q| {
        q.status = QueryStatus::Failed;
        q.error_state = Some("42P01".into());
    });
    // Ended once is ended.
    log.finish_query(7, |q| q.status = QueryStatus::Success);
    let queries = log.queries();
    assert_eq!(queries.len(), 1);
    assert_eq!(queries[0].status.as_str(), "failed");
    assert_eq!(queries[0].lock_wait_time, 5);
    assert!(queries[0].end.is_some());
    assert!(log.running_queries().is_empty());
}

#[tokio::test]
async fn records_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events");
    let log = EventLog::open(&path).await.unwrap();
    log.start_query(query(41));
    log.finish_query(41, |q| q.status = QueryStatus::Success);
    log.start_query(query(42));
    log.record_load_error(LoadError {
        line_number: 3,
        raw_line: "a|b\"'".into(),
        ..LoadError::default()
    });
    log.record_load(LoadRecord {
        lines_scanned: 5,
        ..LoadRecord::default()
    });
    log.record_copy(CopyRecord::default());
    log.record_unload(UnloadRecord::default());
    log.record_connection(ConnectionRecord {
        remote_port: 65_535,
        ..ConnectionRecord::default()
    });
    log.record_maintenance(MaintenanceRecord::default());
    log.open_session(SessionRecord {
        pid: 9,
        ..SessionRecord::default()
    });
    let (queries, errors) = (log.queries(), log.load_errors());
    log.flush().await;
    drop(log);

    let log = EventLog::open(&path).await.unwrap();
    // The one that still ran is not in the record; sessions are gone with the process.
    assert_eq!(log.queries(), queries[..1]);
    assert_eq!(log.load_errors(), errors);
    assert_eq!(log.load_commits()[0].lines_scanned, 5);
    assert_eq!(log.connections()[0].remote_port, 65_535);
    assert_eq!(
        (
            log.copies().len(),
            log.unloads().len(),
            log.maintenance().len()
        ),
        (1, 1, 1)
    );
    assert!(log.sessions().is_empty());
    assert_eq!(log.last_query_id(), 41);
}

#[tokio::test]
async fn memory_and_file_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events");
    let limits = Limits {
        in_memory: 10,
        on_disk: 5,
        ..Limits::default()
    };
    let log = EventLog::open_with(&path, limits).await.unwrap();
    for id in 0..100 {
        log.start_query(query(id));
        log.finish_query(id, |_| {});
    }
    assert_eq!(log.queries().len(), 10);
    assert_eq!(log.queries()[9].query_id, 99);
    log.flush().await;
    drop(log);
    let log = EventLog::open_with(&path, limits).await.unwrap();
    let ids: Vec<i64> = log.queries().iter().map(|q| q.query_id).collect();
    assert_eq!(ids, [95, 96, 97, 98, 99]);
}

#[tokio::test]
async fn an_unreadable_file_is_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events");
    std::fs::write(
        &path,
        "this is not a database, but it is long enough to be read as one",
    )
    .unwrap();
    let log = EventLog::open(&path).await.unwrap();
    log.record_copy(CopyRecord::default());
    log.flush().await;
    assert_eq!(log.copies().len(), 1);
    assert!(path.with_extension("unreadable").exists());
}

#[tokio::test]
async fn a_copy_is_seen_while_it_runs() {
    let log = EventLog::in_memory();
    let copy = |loaded_rows| CopyRecord {
        query_id: 7,
        loaded_rows,
        ..CopyRecord::default()
    };
    log.update_copy(copy(1));
    log.update_copy(copy(2));
    assert_eq!(log.running_copies()[0].loaded_rows, 2);
    assert!(log.copies().is_empty());
    log.record_copy(copy(3));
    assert!(log.running_copies().is_empty());
    assert_eq!(log.copies()[0].loaded_rows, 3);
    log.update_copy(copy(1));
    log.forget_copy(7);
    assert!(log.running_copies().is_empty());
}
