//! The extended query protocol.

use super::client::{Client, bind, describe, execute, message, parse, query, sync};
use super::fake::start;

#[tokio::test]
async fn the_whole_way_in_one_packet() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let all = [
        parse("", "echo $1", &[]),
        describe('S', ""),
        bind("", "", &[(0, Some(b"hi"))], &[]),
        describe('P', ""),
        execute("", 0),
        sync(),
    ];
    assert_eq!(
        c.ask(&all.concat()).await,
        [
            "1",
            "t 1043",
            "T1 e",
            "2",
            "T1 e",
            "D hi",
            "C SELECT 1",
            "Z I"
        ]
    );
    assert!(server.seen.has("commit"));
}

#[tokio::test]
async fn parameters_of_types_and_formats() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let mut echo = async |oid: u32, format: i16, value: Option<&[u8]>| {
        let all = [
            parse("", "echo $1", &[oid]),
            describe('S', ""),
            bind("", "", &[(format, value)], &[]),
            execute("", 0),
            sync(),
        ];
        let told = c.ask(&all.concat()).await;
        assert_eq!(
            told[1],
            format!("t {}", if oid == 0 { 1043 } else { oid }),
            "{told:?}"
        );
        told[4].clone()
    };
    assert_eq!(echo(23, 1, Some(&[0, 0, 1, 0])).await, "D 256");
    assert_eq!(echo(20, 0, Some(b"-5")).await, "D -5");
    assert_eq!(echo(705, 0, Some(b"x")).await, "D x");
    assert_eq!(echo(705, 0, None).await, "D NULL");
    assert_eq!(
        echo(1184, 0, Some(b"2020-01-01 00:00:00+01")).await,
        "D 2019-12-31 23:00:00+00"
    );
    assert_eq!(echo(1700, 0, Some(b"1.5")).await, "D 1.5000000000");
    // No digit is lost to the default scale.
    assert_eq!(
        echo(1700, 0, Some(b"0.000000000012345")).await,
        "D 0.000000000012345"
    );
}

#[tokio::test]
async fn a_bad_parameter_fails_its_transaction() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    c.ask(&query("BEGIN")).await;
    let all = [
        parse("s", "echo $1", &[23]),
        bind("", "s", &[(1, Some(&[1]))], &[]),
        execute("", 0),
        parse("", "one", &[]),
        sync(),
    ];
    let told = c.ask(&all.concat()).await;
    assert_eq!(told.len(), 3, "skipped up to Sync: {told:?}");
    assert!(
        told[1].contains("C08P01") && told[1].contains("Wparameter $1"),
        "{told:?}"
    );
    assert_eq!(told[2], "Z E");
}

#[tokio::test]
async fn row_limits() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    c.ask(&query("BEGIN")).await;
    let all = [
        parse("", "count 5", &[]),
        bind("p", "", &[], &[]),
        execute("p", 2),
        execute("p", 2),
        execute("p", 2),
        execute("p", 2),
        sync(),
    ];
    assert_eq!(
        c.ask(&all.concat()).await,
        [
            "1",
            "2",
            "D 0",
            "D 1",
            "s",
            "D 2",
            "D 3",
            "s",
            "D 4",
            "C SELECT 1",
            "C SELECT 0",
            "Z T"
        ]
    );
    // A portal lives on in its block, and ends with it.
    let all = [bind("q", "", &[], &[]), execute("q", 1), sync()];
    assert_eq!(c.ask(&all.concat()).await, ["2", "D 0", "s", "Z T"]);
    assert_eq!(
        c.ask(&[execute("q", 1), sync()].concat()).await,
        ["D 1", "s", "Z T"]
    );
    c.ask(&query("COMMIT")).await;
    let told = c.ask(&[execute("q", 1), sync()].concat()).await;
    assert!(told[0].contains("C34000"), "{told:?}");
    // As many rows as the limit: the end shows at the next Execute, as in PostgreSQL.
    let all = [
        parse("", "count 2", &[]),
        bind("", "", &[], &[]),
        execute("", 2),
        execute("", 2),
        sync(),
    ];
    assert_eq!(
        c.ask(&all.concat()).await,
        ["1", "2", "D 0", "D 1", "s", "C SELECT 0", "Z I"]
    );
}

#[tokio::test]
async fn names() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let code = |told: &[String], code: &str| assert!(told[0].contains(code), "{told:?}");
    assert_eq!(
        c.ask(&[parse("s", "one", &[]), sync()].concat()).await,
        ["1", "Z I"]
    );
    code(
        &c.ask(&[parse("s", "one", &[]), sync()].concat()).await,
        "C42P05",
    );
    code(
        &c.ask(&[bind("", "nosuch", &[], &[]), sync()].concat())
            .await,
        "C26000",
    );
    code(
        &c.ask(&[describe('P', "nosuch"), sync()].concat()).await,
        "C34000",
    );
    let close = |kind: &str| message(b'C', format!("{kind}\0").as_bytes());
    assert_eq!(
        c.ask(&[close("Ss"), close("Sother"), close("Pp"), sync()].concat())
            .await,
        ["3", "3", "3", "Z I"]
    );
    code(
        &c.ask(&[bind("", "s", &[], &[]), sync()].concat()).await,
        "C26000",
    );
    code(
        &c.ask(&[parse("", "one; one", &[]), sync()].concat()).await,
        "C42601",
    );
    code(
        &c.ask(&[parse("", "echo $1", &[]), bind("", "", &[], &[]), sync()].concat())
            .await[1..],
        "C08P01",
    );
    // A simple query ends the unnamed statement.
    c.ask(&[parse("", "one", &[]), sync()].concat()).await;
    c.ask(&query("one")).await;
    code(
        &c.ask(&[bind("", "", &[], &[]), sync()].concat()).await,
        "C26000",
    );
}

#[tokio::test]
async fn empty_and_rowless() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let all = [
        parse("", "", &[]),
        describe('S', ""),
        bind("", "", &[], &[]),
        describe('P', ""),
        execute("", 0),
        sync(),
    ];
    assert_eq!(
        c.ask(&all.concat()).await,
        ["1", "t ", "n", "2", "n", "I", "Z I"]
    );
    let all = [
        parse("", "insert", &[]),
        bind("", "", &[], &[]),
        execute("", 1),
        execute("", 1),
        sync(),
    ];
    let told = c.ask(&all.concat()).await;
    assert_eq!(told[2], "C INSERT 0 1");
    assert!(told[3].contains("C55000"), "{told:?}");
    // Parse alone of several statements before one Sync.
    let all = [parse("a", "one", &[]), parse("b", "insert", &[]), sync()];
    assert_eq!(c.ask(&all.concat()).await, ["1", "1", "Z I"]);
}

#[tokio::test]
async fn flush_answers_without_sync() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    c.send(&[parse("", "one", &[]), message(b'H', b"")].concat())
        .await;
    assert_eq!(c.until(b'1').await, ["1"]);
    c.send(&[parse("", "missing", &[])].concat()).await;
    assert!(
        c.until(b'E').await[0].contains("C42P01"),
        "errors do not wait for Sync"
    );
    assert_eq!(c.ask(&sync()).await, ["Z I"]);
}

#[tokio::test]
async fn commit_errors_at_sync() {
    let server = start().await;
    let (mut c, _) = Client::login(&server, &[]).await;
    let all = [
        parse("", "nocommit", &[]),
        bind("", "", &[], &[]),
        execute("", 0),
        sync(),
    ];
    let told = c.ask(&all.concat()).await;
    assert_eq!(told[2..], ["C INSERT 0 1", "E SERROR|C40001|M1023", "Z I"]);
}

/// RowDescription by protocol version, and both binary forms of NUMERIC, byte for byte.
#[tokio::test]
async fn protocol_levels() {
    for level in ["0", "1", "2", "3"] {
        let server = start().await;
        let (mut c, _) = Client::login(&server, &[("client_protocol_version", level)]).await;
        let all = [
            parse("", "row", &[]),
            bind("", "", &[], &[1]),
            describe('P', ""),
            execute("", 0),
            sync(),
        ];
        c.send(&all.concat()).await;
        c.until(b'2').await;
        let (tag, body) = c.read().await.unwrap();
        assert_eq!(tag, b'T');
        let mut want = vec![0, 2];
        // Name, table, column, oid 1700, length -1, typmod (5 << 16 | 2) + 4, format.
        want.extend(b"d\0\0\x01\x86\xa1\0\x02\0\0\x06\xa4\xff\xff\0\x05\0\x06\0\x01");
        if level != "0" {
            want.extend(b"public\0t\0d\0dev\0");
            want.extend([0x10, 0x11]); // searchable, auto increment, not null
        }
        want.extend(b"s\0\0\0\0\0\0\0\0\0\x04\x13\xff\xff\0\0\0\x0e\0\x01");
        if level != "0" {
            want.extend(b"\0\0\0\0");
            want.extend(if level == "3" {
                [0x11, 0x02]
            } else {
                [0x11, 0x00]
            });
        }
        assert_eq!(&body[..], want, "level {level}");
        let (_, body) = c.read().await.unwrap();
        let mut want = vec![0, 2];
        if level < "2" {
            // One group and a half: 1, 5000; weight 0, plus, two decimals.
            want.extend(b"\0\0\0\x0c\0\x02\0\0\0\0\0\x02\0\x01\x13\x88");
        } else {
            want.extend(b"\0\0\0\x08\0\0\0\0\0\0\0\x96");
        }
        want.extend("\0\0\0\x02é".as_bytes());
        assert_eq!(&body[..], want, "level {level}");
        assert_eq!(c.until(b'Z').await, ["D NULL,NULL", "C SELECT 2", "Z I"]);
    }
}
