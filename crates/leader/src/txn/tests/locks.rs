//! Table locks: order, modes, deadlock, cancellation.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::*;

/// Asks for a lock in a task of its own, and gives it time to queue.
async fn ask(
    mut t: Transaction,
    table: Oid,
    mode: LockMode,
) -> JoinHandle<(Transaction, Result<()>)> {
    let handle = tokio::spawn(async move {
        let result = t.lock(table, mode, &CancellationToken::new()).await;
        (t, result)
    });
    tokio::time::sleep(Duration::from_millis(30)).await;
    handle
}

async fn held(w: &Warehouse, table: Oid, mode: LockMode) -> Transaction {
    let mut t = w.begin();
    t.lock(table, mode, &CancellationToken::new())
        .await
        .unwrap();
    t
}

#[tokio::test]
async fn writers_queue_in_order_and_readers_pass() {
    let w = Warehouse::new().await;
    let first = held(&w, A, LockMode::Write).await;
    let second = ask(w.begin(), A, LockMode::Write).await;
    let third = ask(w.begin(), A, LockMode::Write).await;
    assert!(!second.is_finished() && !third.is_finished());
    // Another table, and reading this one, do not wait.
    drop(held(&w, B, LockMode::Write).await);
    let waiting = w.manager.locks().iter().filter(|l| !l.granted).count();
    assert_eq!(waiting, 2);
    first.rollback();
    let (second, result) = second.await.unwrap();
    result.unwrap();
    assert!(!third.is_finished());
    drop(second);
    third.await.unwrap().1.unwrap();
}

#[tokio::test]
async fn modes() {
    use LockMode::*;
    let w = Warehouse::new().await;
    for (one, other, together) in [
        (Read, Read, true),
        (Read, Insert, true),
        (Read, Write, true),
        (Read, Exclusive, false),
        (Insert, Insert, true),
        (Insert, Write, false),
        (Insert, Exclusive, false),
        (Write, Write, false),
        (Write, Exclusive, false),
        (Exclusive, Exclusive, false),
    ] {
        assert_eq!(one.compatible(other), together);
        assert_eq!(other.compatible(one), together);
        let holder = held(&w, A, one).await;
        let asked = ask(w.begin(), A, other).await;
        assert_eq!(asked.is_finished(), together, "{one:?} {other:?}");
        drop(holder);
        asked.await.unwrap().1.unwrap();
    }
}

#[tokio::test]
async fn a_holder_may_ask_for_more() {
    let w = Warehouse::new().await;
    let mut t = held(&w, A, LockMode::Read).await;
    let other = held(&w, A, LockMode::Read).await;
    let none = CancellationToken::new();
    t.lock(A, LockMode::Write, &none).await.unwrap();
    t.lock(A, LockMode::Read, &none).await.unwrap();
    let upgraded = ask(t, A, LockMode::Exclusive).await;
    assert!(!upgraded.is_finished());
    drop(other);
    let (_t, result) = upgraded.await.unwrap();
    result.unwrap();
    assert_eq!(w.manager.locks()[0].mode, LockMode::Exclusive);
}

#[tokio::test]
async fn deadlocks_are_found() {
    let w = Warehouse::new().await;
    let owner = |pid| Owner {
        pid,
        ..Owner::default()
    };
    let mut t1 = held(&w, A, LockMode::Write).await;
    let mut t2 = held(&w, B, LockMode::Write).await;
    t1.set_owner(owner(11));
    t2.set_owner(owner(22));
    let waiting = ask(t1, B, LockMode::Write).await;
    let error = t2
        .lock(A, LockMode::Write, &CancellationToken::new())
        .await
        .unwrap_err();
    assert_eq!(error.state.0, "40P01");
    assert_eq!(
        error.detail.unwrap(),
        format!(
            "Process 22 waits for ShareRowExclusiveLock on relation {A}; blocked by process 11.\n\
             Process 11 waits for ShareRowExclusiveLock on relation {B}; blocked by process 22."
        )
    );
    t2.rollback();
    waiting.await.unwrap().1.unwrap();
}

#[tokio::test]
async fn two_readers_that_both_want_to_write_alone_deadlock() {
    let w = Warehouse::new().await;
    let t1 = held(&w, A, LockMode::Read).await;
    let mut t2 = held(&w, A, LockMode::Read).await;
    let waiting = ask(t1, A, LockMode::Exclusive).await;
    let result = t2
        .lock(A, LockMode::Exclusive, &CancellationToken::new())
        .await;
    assert_eq!(state(result), "40P01");
    drop(t2);
    waiting.await.unwrap().1.unwrap();
}

#[tokio::test]
async fn a_cancelled_wait_leaves_the_queue() {
    let w = Warehouse::new().await;
    let holder = held(&w, A, LockMode::Write).await;
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let mut t = w.begin();
    let waiting = tokio::spawn(async move { t.lock(A, LockMode::Exclusive, &token).await });
    tokio::time::sleep(Duration::from_millis(30)).await;
    let behind = ask(w.begin(), A, LockMode::Read).await;
    assert!(!behind.is_finished());
    cancel.cancel();
    assert_eq!(state(waiting.await.unwrap()), "57014");
    // Who stood behind it goes on.
    behind.await.unwrap().1.unwrap();
    // So it is if the waiting session is gone altogether.
    let gone = ask(w.begin(), A, LockMode::Exclusive).await;
    gone.abort();
    let behind = ask(w.begin(), A, LockMode::Read).await;
    behind.await.unwrap().1.unwrap();
    drop(holder);
    assert!(w.manager.locks().is_empty());
}

#[tokio::test]
async fn background_work_does_not_wait() {
    let w = Warehouse::new().await;
    let holder = held(&w, A, LockMode::Write).await;
    let mut job = w.manager.begin_internal();
    let none = CancellationToken::new();
    assert_eq!(state(job.lock(A, LockMode::Write, &none).await), "55P03");
    drop(holder);
    job.lock(A, LockMode::Write, &none).await.unwrap();
}
