//! Cancelling, vanishing, idling and stopping.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BufMut;

use super::client::{Client, message, query};
use super::fake::{Running, start, start_with};
use crate::WireConfig;

async fn eventually(what: &str, test: impl Fn() -> bool) {
    for _ in 0..200 {
        if test() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

async fn cancel(server: &Running, pid: i32, key: i32) {
    let mut packet = Vec::new();
    packet.put_u32(16);
    packet.put_u32(80_877_102);
    packet.put_i32(pid);
    packet.put_i32(key);
    let mut c = Client::connect(server).await;
    c.send(&packet).await;
    assert!(c.read().await.is_none(), "no answer, only the end");
}

#[tokio::test]
async fn a_cancel_request() {
    let server = start().await;
    let (mut c, told) = Client::login(&server, &[]).await;
    assert!(told.iter().any(|t| t.starts_with("K ")));
    c.send(&query("sleep")).await;
    eventually("sleeping", || server.seen.has("sleeping")).await;
    cancel(&server, 7, 1).await;
    cancel(&server, 7, 77).await;
    let told = c.until(b'Z').await;
    assert_eq!(told, ["E SERROR|C57014|Mcancelled", "Z I"]);
    assert_eq!(c.ask(&query("one")).await.len(), 4);
}

#[tokio::test]
async fn a_client_that_vanishes_is_noticed() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    c.send(&query("sleep")).await;
    eventually("sleeping", || server.seen.has("sleeping")).await;
    drop(c);
    eventually("woken", || server.seen.has("woken")).await;
    eventually("closed", || server.seen.has("close")).await;
}

#[tokio::test]
async fn a_result_nobody_reads_is_held_back_and_dropped() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    c.send(&query("forever")).await;
    eventually("streaming", || {
        server.seen.streams.load(Ordering::SeqCst) == 1
    })
    .await;
    // Nothing is read: the server waits. Others go on.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (mut other, _) = Client::login(&server, &[]).await;
    assert_eq!(other.ask(&query("one")).await.len(), 4);
    drop(c);
    eventually("dropped", || {
        server.seen.streams.load(Ordering::SeqCst) == 0
    })
    .await;
}

#[tokio::test]
async fn an_idle_session_is_ended() {
    let server = start_with(WireConfig::default(), Some(1), true).await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let told = c.until(b'Z').await;
    assert!(told[0].contains("SFATAL|C57P05"), "{told:?}");
}

#[tokio::test]
async fn stopping_tells_everybody() {
    let server = start().await;
    let (mut idle, _) = Client::login(&server, &[]).await;
    let (mut busy, _) = Client::login(&server, &[]).await;
    busy.send(&query("sleep")).await;
    eventually("sleeping", || server.seen.has("sleeping")).await;
    let (mut stuck, _) = Client::login(&server, &[]).await;
    stuck.send(&query("forever")).await;
    server.stop.cancel();
    for c in [&mut idle, &mut busy] {
        let told = c.until(b'Z').await;
        assert!(told[0].contains("SFATAL|C57P01"), "{told:?}");
    }
    assert!(server.seen.has("woken"));
    tokio::time::timeout(Duration::from_secs(5), server.task)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn goodbye() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    c.send(&message(b'X', b"")).await;
    assert!(c.read().await.is_none());
    eventually("closed", || server.seen.has("close")).await;
}
