//! What concurrent transactions see of one another, and which may not both commit.

use super::*;

#[tokio::test]
async fn own_changes_are_seen_others_are_not() {
    let w = Warehouse::new().await;
    let mut reader = w.begin();
    assert_eq!(select(&mut reader, A), 0);
    let mut writer = w.begin();
    insert(&mut writer, A).await;
    assert_eq!(select(&mut writer, A), 10);
    writer.commit().await.unwrap();
    assert_eq!(select(&mut reader, A), 0);
    assert_eq!(w.manager.current().table_data(A).row_count(), 10);
    reader.commit().await.unwrap();
    let mut later = w.begin();
    assert_eq!(select(&mut later, A), 10);
}

#[tokio::test]
async fn a_rollback_leaves_nothing() {
    let w = Warehouse::new().await;
    let version = w.manager.current().version;
    let mut t = w.begin();
    insert(&mut t, A).await;
    t.apply(vec![table(Oid(5), "c")]).unwrap();
    t.rollback();
    let mut dropped = w.begin();
    insert(&mut dropped, A).await;
    drop(dropped);
    assert_eq!(w.manager.current().version, version);
    assert_eq!(w.manager.current().table_data(A).row_count(), 0);
    assert!(w.manager.locks().is_empty() && w.manager.transactions().is_empty());
}

/// The example of the guide's page on error 1023: each SELECT is affected by the other's INSERT.
#[tokio::test]
async fn crossed_select_and_insert_is_1023() {
    let w = Warehouse::new().await;
    let (mut s1, mut s2) = (w.begin(), w.begin());
    let (x1, x2) = (s1.id(), s2.id());
    s2.set_owner(Owner {
        pid: 77,
        ..Owner::default()
    });
    select(&mut s1, A);
    insert(&mut s1, B).await;
    insert(&mut s2, A).await;
    select(&mut s2, B);
    s1.commit().await.unwrap();
    let error = s2.commit().await.unwrap_err();
    assert_eq!(error.state.0, "40001");
    assert_eq!(error.message, "1023");
    assert_eq!(
        error.detail.unwrap(),
        format!(
            "Serializable isolation violation on table - {B}, \
             transactions forming the cycle are: {x2}, {x1} (pid:77)"
        )
    );
    let conflict = &w.manager.conflicts()[0];
    assert_eq!((conflict.xid, conflict.pid, conflict.table), (x2, 77, B));
    // The retry succeeds.
    let mut retry = w.begin();
    insert(&mut retry, A).await;
    select(&mut retry, B);
    retry.commit().await.unwrap();
}

/// The remedy of the same page: the SELECTs outside of the transactions.
#[tokio::test]
async fn inserts_without_crossed_selects_are_serializable() {
    let w = Warehouse::new().await;
    let mut s2_select = w.begin();
    select(&mut s2_select, A);
    let (mut s1, mut s2) = (w.begin(), w.begin());
    insert(&mut s1, A).await;
    insert(&mut s2, B).await;
    s2_select.commit().await.unwrap();
    s1.commit().await.unwrap();
    let mut s1_select = w.begin();
    select(&mut s1_select, B);
    s2.commit().await.unwrap();
    s1_select.commit().await.unwrap();
}

/// Under SNAPSHOT isolation the same history is allowed: it is write skew.
#[tokio::test]
async fn crossed_select_and_insert_is_allowed_under_snapshot() {
    let w = Warehouse::new().await;
    let (mut s1, mut s2) = (w.begin_snapshot(), w.begin_snapshot());
    select(&mut s1, A);
    insert(&mut s1, B).await;
    insert(&mut s2, A).await;
    select(&mut s2, B);
    s1.commit().await.unwrap();
    s2.commit().await.unwrap();
}

/// The guide's table `Numbers` (CREATE DATABASE, write skew): two users update different rows of
/// one table. SNAPSHOT lets both; SERIALIZABLE ends the second with 1023.
#[tokio::test]
async fn updates_of_different_rows() {
    let w = Warehouse::new().await;
    let s = w.fill(A).await;
    let (mut u1, mut u2) = (w.begin_snapshot(), w.begin_snapshot());
    select(&mut u2, A);
    delete(&mut u1, A, s, &[0]).await.unwrap();
    insert(&mut u1, A).await;
    u1.commit().await.unwrap();
    delete(&mut u2, A, s, &[1]).await.unwrap();
    insert(&mut u2, A).await;
    u2.commit().await.unwrap();
    let data = w.manager.current().table_data(A);
    assert_eq!(data.segments[&s].deleted_rows, 2);
    assert_eq!(data.row_count(), 8 + 20);

    let (mut u1, mut u2) = (w.begin(), w.begin());
    select(&mut u2, A);
    delete(&mut u1, A, s, &[2]).await.unwrap();
    u1.commit().await.unwrap();
    // Reported as soon as it is certain: when it gets the lock.
    let error = delete(&mut u2, A, s, &[3]).await.unwrap_err();
    assert_eq!((error.state.0, error.message.as_str()), ("40001", "1023"));
    drop(u2);
    assert_eq!(w.manager.current().table_data(A).row_count(), 27);
}

#[tokio::test]
async fn the_first_to_change_a_row_wins() {
    let w = Warehouse::new().await;
    let s = w.fill(A).await;
    let (mut u1, mut u2) = (w.begin_snapshot(), w.begin_snapshot());
    select(&mut u2, A);
    delete(&mut u1, A, s, &[0, 5]).await.unwrap();
    u1.commit().await.unwrap();
    delete(&mut u2, A, s, &[5]).await.unwrap();
    let error = u2.commit().await.unwrap_err();
    assert_eq!(error.state.0, "40001");
    assert_eq!(
        error.message,
        "could not complete because of conflict with concurrent transaction"
    );
    assert_eq!(w.manager.current().table_data(A).row_count(), 8);
}

/// Queued single statements all succeed: the snapshot is taken after the wait.
#[tokio::test]
async fn queued_updates_succeed() {
    let w = Warehouse::new().await;
    let s = w.fill(A).await;
    let mut tasks = Vec::new();
    for row in 0..10 {
        let mut t = w.begin();
        tasks.push(tokio::spawn(async move {
            delete(&mut t, A, s, &[row]).await?;
            t.commit().await
        }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(w.manager.current().table_data(A).row_count(), 0);
}

/// A reader between two writers can see what no serial order gives (Fekete et al., "A read-only
/// transaction anomaly under snapshot isolation"): a savings account A and a checking account B.
#[tokio::test]
async fn a_reader_can_be_part_of_a_cycle() {
    let w = Warehouse::new().await;
    let mut withdraw = w.begin();
    select(&mut withdraw, A);
    select(&mut withdraw, B);
    let mut deposit = w.begin();
    select(&mut deposit, A);
    insert(&mut deposit, A).await;
    deposit.commit().await.unwrap();
    let mut report = w.begin();
    select(&mut report, A);
    select(&mut report, B);
    report.commit().await.unwrap();
    insert(&mut withdraw, B).await;
    assert_eq!(state(withdraw.commit().await), "40001");
}

#[tokio::test]
async fn blind_inserts_never_conflict() {
    let w = Warehouse::new().await;
    let (mut t1, mut t2) = (w.begin(), w.begin());
    insert(&mut t1, A).await;
    insert(&mut t2, A).await;
    insert(&mut t2, B).await;
    insert(&mut t1, B).await;
    t2.commit().await.unwrap();
    t1.commit().await.unwrap();
    assert_eq!(w.manager.current().table_data(A).row_count(), 20);
}

/// DELETE of what was read before rows were added: as if it had run first.
#[tokio::test]
async fn a_delete_and_a_concurrent_insert() {
    let w = Warehouse::new().await;
    let s = w.fill(A).await;
    let mut t = w.begin();
    select(&mut t, A);
    w.fill(A).await;
    delete(&mut t, A, s, &[0]).await.unwrap();
    t.commit().await.unwrap();
    assert_eq!(w.manager.current().table_data(A).row_count(), 19);
    // An INSERT after a concurrent DELETE: the DELETE would have had to see the row.
    let mut t = w.begin();
    select(&mut t, A);
    let mut other = w.begin();
    delete(&mut other, A, s, &[1]).await.unwrap();
    other.commit().await.unwrap();
    let mut lone = w.begin();
    insert(&mut lone, A).await;
    lone.commit().await.unwrap();
    let waited = t.lock(A, LockMode::Write, &CancellationToken::new()).await;
    assert_eq!(state(waited), "40001");
}

#[tokio::test]
async fn a_table_dropped_or_altered_meanwhile() {
    let w = Warehouse::new().await;
    let s = w.fill(A).await;
    // INSERT into a table that is gone.
    let mut writer = w.begin();
    insert(&mut writer, B).await;
    let mut dropper = w.begin();
    dropper.apply(vec![Change::DropRelation(B)]).unwrap();
    dropper.commit().await.unwrap();
    let error = writer.commit().await.unwrap_err();
    assert_eq!((error.state.0, error.message.as_str()), ("40001", "1018"));
    // DELETE from a table that was truncated.
    let mut writer = w.begin_snapshot();
    let change = delete_change(&mut writer, A, s, &[1]);
    let mut truncater = w.begin_snapshot();
    truncater
        .apply(vec![Change::RemoveSegments {
            table: A,
            segments: vec![s],
        }])
        .unwrap();
    truncater.commit().await.unwrap();
    writer.apply(vec![change]).unwrap();
    assert_eq!(state(writer.commit().await), "40001");
    // INSERT into a table that got another shape; a GRANT on it does not matter.
    let mut writer = w.begin();
    insert(&mut writer, A).await;
    let mut granted = relation(A, "a");
    granted.acl = Acl(BTreeMap::from([(Oid(0), "r".into())]));
    let mut granter = w.begin();
    granter
        .apply(vec![Change::PutRelation(Arc::new(granted.clone()))])
        .unwrap();
    granter.commit().await.unwrap();
    writer.commit().await.unwrap();
    let mut writer = w.begin();
    insert(&mut writer, A).await;
    granted.columns[0].not_null = false;
    let mut alterer = w.begin();
    alterer
        .apply(vec![Change::PutRelation(Arc::new(granted))])
        .unwrap();
    alterer.commit().await.unwrap();
    assert_eq!(state(writer.commit().await), "40001");
}

#[tokio::test]
async fn names_stay_unique() {
    let w = Warehouse::new().await;
    let (mut t1, mut t2) = (w.begin(), w.begin());
    t1.apply(vec![table(Oid(7), "c"), schema(Oid(8), "s")])
        .unwrap();
    t2.apply(vec![table(Oid(9), "c")]).unwrap();
    let mut t3 = w.begin();
    t3.apply(vec![schema(Oid(10), "s")]).unwrap();
    t1.commit().await.unwrap();
    assert_eq!(state(t2.commit().await), "42P07");
    assert_eq!(state(t3.commit().await), "42P06");
    // A name given up in the same transaction is free.
    let mut t = w.begin();
    t.apply(vec![Change::DropRelation(Oid(7)), table(Oid(11), "c")])
        .unwrap();
    t.commit().await.unwrap();
    let current = w.manager.current();
    assert_eq!(current.relation_named(PUBLIC, "c").unwrap().oid, Oid(11));
}

#[tokio::test]
async fn nothing_is_left_hanging() {
    let w = Warehouse::new().await;
    // A view on a table dropped meanwhile, and the other way round.
    let (mut t1, mut t2) = (w.begin(), w.begin());
    t1.apply(vec![view(Oid(7), "v", A)]).unwrap();
    t2.apply(vec![Change::DropRelation(A)]).unwrap();
    t1.commit().await.unwrap();
    assert_eq!(state(t2.commit().await), "2BP01");
    let (mut t1, mut t2) = (w.begin(), w.begin());
    t1.apply(vec![Change::DropRelation(B)]).unwrap();
    t2.apply(vec![view(Oid(8), "v2", B)]).unwrap();
    t1.commit().await.unwrap();
    assert_eq!(state(t2.commit().await), "40001");
    // A table in a schema dropped meanwhile.
    let mut t = w.begin();
    t.apply(vec![schema(Oid(9), "s")]).unwrap();
    t.commit().await.unwrap();
    let (mut t1, mut t2) = (w.begin(), w.begin());
    let mut inside = relation(Oid(10), "x");
    inside.schema = Oid(9);
    t1.apply(vec![Change::PutRelation(Arc::new(inside))])
        .unwrap();
    t2.apply(vec![Change::DropSchema(Oid(9))]).unwrap();
    t2.commit().await.unwrap();
    assert_eq!(state(t1.commit().await), "3F000");
}

#[tokio::test]
async fn temporary_tables_stay_with_their_session() {
    let w = Warehouse::new().await;
    let temp = vec![table(Oid(50), "mine")];
    let mut t = w.begin();
    assert!(t.snapshot_with(&temp).unwrap().relation(Oid(50)).is_some());
    t.local_apply(&[table(Oid(51), "more")]).unwrap();
    assert!(t.snapshot().relation(Oid(51)).is_some());
    insert(&mut t, A).await;
    t.commit().await.unwrap();
    let current = w.manager.current();
    assert!(current.relation(Oid(50)).is_none() && current.relation(Oid(51)).is_none());
    assert_eq!(current.table_data(A).row_count(), 10);
}

#[tokio::test]
async fn a_read_only_transaction_does_not_write() {
    let w = Warehouse::new().await;
    let mut t = w.manager.begin(Isolation::Serializable, true);
    assert_eq!(state(t.apply(vec![table(Oid(7), "c")])), "25006");
}
