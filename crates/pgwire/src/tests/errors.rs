//! Broken and hostile clients: what they cost is their own connection.

use bytes::BufMut;
use tokio::io::AsyncWriteExt;

use super::client::{Client, bind, message, parse, query, sync};
use super::fake::start;
use crate::frontend::{MAX_MESSAGE, MAX_STATEMENT};

#[tokio::test]
async fn messages_that_make_no_sense_end_the_session() {
    let server = start().await;
    for bytes in [
        message(b'?', b""),
        message(b'p', b"x\0"),
        b"Q\0\0\0\x03".to_vec(),
        b"Q\xff\xff\xff\xff".to_vec(),
    ] {
        let (mut c, _) = Client::login(&server, &[]).await;
        let told = c.ask(&bytes).await;
        assert!(told[0].contains("SFATAL|C08P01"), "{told:?}");
        assert!(c.read().await.is_none());
    }
    assert!(server.seen.has("close"));
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_errors() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let told = c.ask(&message(b'Q', b"no zero")).await;
    assert!(told[0].contains("C08P01") && told[1] == "Z I", "{told:?}");
    let told = c.ask(&message(b'Q', b"\xff\0")).await;
    assert!(told[0].contains("C22021"), "{told:?}");
    let told = c
        .ask(&[message(b'B', b"x"), parse("", "one", &[]), sync()].concat())
        .await;
    assert!(told[0].contains("C08P01") && told.len() == 2, "{told:?}");
    let all = [parse("", "one", &[2951]), sync()];
    assert!(c.ask(&all.concat()).await[0].contains("C0A000"));
    let all = [parse("", "one", &[]), bind("", "", &[], &[0, 1]), sync()];
    assert!(c.ask(&all.concat()).await[1].contains("C08P01"));
    assert_eq!(c.ask(&query("one")).await.len(), 4);
}

#[tokio::test]
async fn long_messages_are_thrown_away() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let mut head = vec![b'Q'];
    head.put_u32(MAX_MESSAGE as u32 + 1000);
    c.send(&head).await;
    let chunk = vec![b'x'; 1 << 20];
    let mut left = MAX_MESSAGE + 996;
    while left > 0 {
        let n = left.min(chunk.len());
        c.socket.write_all(&chunk[..n]).await.unwrap();
        left -= n;
    }
    let told = c.until(b'Z').await;
    assert!(told[0].contains("C54000") && told[1] == "Z I", "{told:?}");
    let told = c.ask(&query(&"x".repeat(MAX_STATEMENT + 1))).await;
    assert!(
        told[0].contains("C54000") && told[0].contains("16 MB"),
        "{told:?}"
    );
    assert_eq!(c.ask(&query("one")).await.len(), 4);
}

#[tokio::test]
async fn a_panic_costs_one_session() {
    let server = start().await;
    let (mut other, _) = Client::login(&server, &[]).await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let told = c.ask(&query("panic")).await;
    assert!(told[0].contains("SFATAL|CXX000"), "{told:?}");
    assert!(c.read().await.is_none());
    assert!(server.seen.has("close"));
    assert_eq!(other.ask(&query("one")).await.len(), 4);
}

#[tokio::test]
async fn a_fatal_error_ends_the_session() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    assert_eq!(c.ask(&query("fatal")).await, ["E SFATAL|C57P01|Mended"]);
    assert!(c.read().await.is_none());
}
