//! The simple query protocol.

use super::client::{Client, message, query};
use super::fake::start;

#[tokio::test]
async fn rows_tags_and_several_statements() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    assert_eq!(
        c.ask(&query("one")).await,
        ["T1 n", "D 1", "C SELECT 1", "Z I"]
    );
    assert_eq!(
        c.ask(&query("insert; one")).await,
        ["C INSERT 0 1", "T1 n", "D 1", "C SELECT 1", "Z I"]
    );
    assert_eq!(c.ask(&query(" ; ")).await, ["I", "Z I"]);
    assert_eq!(
        c.ask(&query("row")).await,
        ["T2 d", "D 1.50,é", "D NULL,NULL", "C SELECT 2", "Z I"]
    );
    assert_eq!(
        c.ask(&query("notice")).await,
        ["N SINFO|C00000|Mloaded", "C COPY", "S TimeZone|UTC", "Z I"]
    );
}

#[tokio::test]
async fn the_commit_comes_before_the_tag() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    c.ask(&query("insert; insert")).await;
    let log = server.seen.log.lock().unwrap().clone();
    let commits = log.iter().filter(|l| *l == "commit").count();
    assert_eq!(commits, 1, "one transaction for the whole text: {log:?}");
    drop(log);
    let told = c.ask(&query("nocommit")).await;
    assert_eq!(told, ["E SERROR|C40001|M1023", "Z I"]);
}

#[tokio::test]
async fn errors_stop_the_text_and_fail_the_block() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    // Characters, not bytes: é is one.
    assert_eq!(
        c.ask(&query("é; bad")).await,
        ["E SERROR|C42601|Msyntax error|P4", "Z I"]
    );
    assert_eq!(
        c.ask(&query("insert; missing; insert")).await,
        [
            "C INSERT 0 1",
            "E SERROR|C42P01|Mrelation does not exist|Hmake it|P9",
            "Z I"
        ]
    );
    assert!(!server.seen.has("commit"));
    assert_eq!(c.ask(&query("BEGIN")).await, ["C BEGIN", "Z T"]);
    assert_eq!(c.ask(&query("bad")).await[1], "Z E");
    assert_eq!(
        c.ask(&query("one")).await,
        ["E SERROR|C25P02|Maborted", "Z E"]
    );
    assert_eq!(c.ask(&query("ROLLBACK")).await, ["C ROLLBACK", "Z I"]);
    let told = c.ask(&query("breaks")).await;
    assert_eq!(
        told,
        [
            "T1 n",
            "D 0",
            "E SERROR|CXX000|Minternal error: mid-way",
            "Z I"
        ]
    );
    let told = c.ask(&query("echo $1")).await;
    assert!(told[0].contains("C42P02"), "{told:?}");
}

#[tokio::test]
async fn function_calls_are_refused_and_leftover_copy_is_ignored() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let told = c.ask(&message(b'F', &[0; 10])).await;
    assert!(told[0].contains("C0A000") && told[1] == "Z I", "{told:?}");
    c.send(&message(b'd', b"1\t2\n")).await;
    c.send(&message(b'c', b"")).await;
    assert_eq!(c.ask(&query("one")).await.len(), 4);
}
