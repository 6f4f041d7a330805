//! Commit, ids, what is kept for whom.

use lw_base::SqlState;

use super::*;

#[tokio::test]
async fn commits_survive_reopening() {
    let w = Warehouse::new().await;
    let s = w.fill(A).await;
    let mut t = w.begin();
    delete(&mut t, A, s, &[3]).await.unwrap();
    let version = t.commit().await.unwrap();
    let mut open = w.begin();
    insert(&mut open, A).await;
    let w = w.reopen().await;
    let current = w.manager.current();
    assert_eq!(current.version, version);
    assert_eq!(current.table_data(A).row_count(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sessions_commit_together() {
    let w = Warehouse::new().await;
    let before = w.manager.current().version;
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let manager = w.manager.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..10 {
                let mut t = manager.begin(Isolation::Serializable, false);
                insert(&mut t, A).await;
                let version = t.commit().await.unwrap();
                // What is acknowledged is published.
                assert!(manager.current().version >= version);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let current = w.manager.current();
    assert_eq!(current.version.0, before.0 + 160);
    assert_eq!(current.table_data(A).segments.len(), 160);
    let again = w.reopen().await.manager.current();
    assert_eq!(again.version, current.version);
    assert_eq!(again.table_data(A).segments.len(), 160);
}

#[tokio::test]
async fn a_commit_goes_on_without_its_session() {
    let w = Warehouse::new().await;
    let mut t = w.begin();
    insert(&mut t, A).await;
    let mut commit = Box::pin(t.commit());
    // Sent, not awaited to the end.
    let _ = futures::poll!(&mut commit);
    drop(commit);
    w.fill(B).await;
    assert_eq!(w.manager.current().table_data(A).row_count(), 10);
}

#[tokio::test]
async fn ids_do_not_repeat_after_a_crash() {
    let w = Warehouse::new().await;
    let ids = w.manager.ids();
    let segments = ids.segment_ids(5000).await.unwrap();
    let oids = ids.oids(3).await.unwrap();
    let xid = w.begin().id();
    let w = w.reopen().await;
    let ids = w.manager.ids();
    assert!(ids.segment_ids(1).await.unwrap().0 >= segments.0 + 5000);
    assert!(ids.oids(1).await.unwrap().0 >= oids.0 + 3);
    assert!(w.begin().id() > xid);
}

#[tokio::test]
async fn identity_values_are_consecutive_and_never_repeat() {
    let w = Warehouse::new().await;
    let ids = w.manager.ids();
    let mut expected = 1;
    for count in [1, 1, 40, 100_000, 3] {
        assert_eq!(ids.identity(A, 1, 1, 1, count).await.unwrap(), expected);
        expected += count as i64;
    }
    let w = w.reopen().await;
    let next = w.manager.ids().identity(A, 1, 1, 1, 1).await.unwrap();
    assert!(next >= expected, "{next} was given before {expected}");
}

#[tokio::test]
async fn identity_of_a_table_made_in_the_same_transaction() {
    let w = Warehouse::new().await;
    let ids = w.manager.ids();
    let c = Oid(100_050);
    let mut t = w.begin();
    t.apply(vec![table(c, "c")]).unwrap();
    assert_eq!(ids.identity(c, 1, 1, 1, 100).await.unwrap(), 1);
    t.commit().await.unwrap();
    // The values given before the commit are committed with it.
    assert_eq!(w.manager.current().table_data(c).identity_next[&1], 101);
    assert_eq!(ids.identity(c, 1, 1, 1, 1).await.unwrap(), 101);
    let w = w.reopen().await;
    assert!(w.manager.ids().identity(c, 1, 1, 1, 1).await.unwrap() > 101);
}

#[tokio::test]
async fn identity_can_go_down_and_ends_at_the_limit() {
    let w = Warehouse::new().await;
    let ids = w.manager.ids();
    let c = Oid(100_050);
    let mut down = relation(c, "c");
    down.columns[0].identity = Some(Identity {
        seed: -5,
        step: -10,
        by_default: false,
    });
    let mut t = w.begin();
    t.apply(vec![Change::PutRelation(Arc::new(down))]).unwrap();
    t.commit().await.unwrap();
    assert_eq!(ids.identity(c, 1, -5, -10, 2).await.unwrap(), -5);
    assert_eq!(ids.identity(c, 1, -5, -10, 1).await.unwrap(), -25);
    let first = ids.identity(A, 1, i64::MAX - 2, 1, 1).await.unwrap();
    assert_eq!(first, i64::MAX - 2);
    assert_eq!(state(ids.identity(A, 1, 0, 1, 10).await), "22003");
}

#[tokio::test]
async fn garbage_collection_is_told_what_is_read() {
    let w = Warehouse::new().await;
    let s = w.fill(A).await;
    let mut reader = w.begin();
    select(&mut reader, A);
    let pinned = reader.snapshot().version;
    let mut t = w.begin();
    t.apply(vec![Change::RemoveSegments {
        table: A,
        segments: vec![s],
    }])
    .unwrap();
    t.commit().await.unwrap();
    let mut writer = w.begin();
    let fresh = w.manager.ids().segment_ids(1).await.unwrap();
    let view = w.manager.gc_view();
    assert_eq!(w.manager.oldest_pinned(), pinned);
    assert!(view.files().contains(&format!("{s}.vortex")));
    assert!(view.segment_floor <= fresh);
    drop(reader);
    let view = w.manager.gc_view();
    assert!(view.files().is_empty());
    assert!(view.segment_floor <= fresh && view.segment_floor > s);
    insert(&mut writer, A).await;
    drop(writer);
    assert!(w.manager.gc_view().segment_floor > fresh);
}

#[tokio::test]
async fn background_work_gives_way() {
    let w = Warehouse::new().await;
    let s = w.fill(A).await;
    let fold = |job: &mut Transaction| {
        job.apply(vec![
            Change::RemoveSegments {
                table: A,
                segments: vec![s],
            },
            Change::AddSegments {
                table: A,
                segments: vec![segment(SegmentId(9_999_999))],
            },
        ])
        .unwrap();
    };
    // A user deletes from the segment while it is being folded.
    let mut job = w.manager.begin_internal();
    fold(&mut job);
    let mut user = w.begin();
    delete(&mut user, A, s, &[0]).await.unwrap();
    assert_eq!(state(job.commit().await), "40001");
    user.commit().await.unwrap();
    // A user has read, and may delete later.
    let mut user = w.begin();
    select(&mut user, B);
    let mut job = w.manager.begin_internal();
    fold(&mut job);
    assert_eq!(state(job.commit().await), "40001");
    delete(&mut user, A, s, &[1]).await.unwrap();
    user.commit().await.unwrap();
    // A statement of its own that reads is no reason to wait; nor are new rows.
    let mut user = w.begin();
    user.set_implicit();
    select(&mut user, A);
    let mut job = w.manager.begin_internal();
    fold(&mut job);
    let mut other = w.begin();
    other.set_implicit();
    insert(&mut other, A).await;
    other.commit().await.unwrap();
    job.commit().await.unwrap();
    user.commit().await.unwrap();
    assert_eq!(w.manager.current().table_data(A).segments.len(), 2);
}

/// Prints commits per second of small inserts, by number of sessions (run with `--ignored
/// --nocapture`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn rate_of_commits() {
    let w = Warehouse::new().await;
    let rows = Bytes::from(vec![7; 600]);
    for sessions in [1, 4, 16, 64] {
        let start = std::time::Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..sessions {
            let (manager, rows) = (w.manager.clone(), rows.clone());
            tasks.push(tokio::spawn(async move {
                for _ in 0..1024 / sessions {
                    let mut t = manager.begin(Isolation::Serializable, false);
                    let id = manager.ids().segment_ids(1).await.unwrap();
                    let mut batch = Segment::clone(&segment(id));
                    batch.place = Place::Inline(rows.clone());
                    t.record_write(A, WriteKind::Insert);
                    t.apply(vec![Change::AddSegments {
                        table: A,
                        segments: vec![Arc::new(batch)],
                    }])
                    .unwrap();
                    t.commit().await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let rate = 1024.0 / start.elapsed().as_secs_f64();
        println!("{sessions} sessions: {rate:.0} commits/s");
    }
}

#[tokio::test]
async fn a_closed_manager_commits_no_more() {
    let w = Warehouse::new().await;
    w.fill(A).await;
    let mut late = w.begin();
    insert(&mut late, A).await;
    w.manager.close().await;
    let version = w.manager.current().version;
    let error = late.commit().await.unwrap_err();
    assert_eq!(error.state, SqlState::ADMIN_SHUTDOWN);
    assert_eq!(w.manager.current().version, version);
    // Another over the same store is not disturbed by the first.
    let first = w.manager.clone();
    let w = w.reopen().await;
    w.fill(A).await;
    first.close().await;
    w.fill(A).await;
}
