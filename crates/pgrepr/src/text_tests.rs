//! Values both ways: text and binary forms with values worked out by hand.

use super::*;
use crate::binary::{self, NumericForm};
use crate::decode_param;

fn array(text: &str, sql_type: SqlType) -> ArrayRef {
    decode_param(Some(text.as_bytes()), false, sql_type, Zone::UTC)
        .unwrap()
        .unwrap()
}

fn shown(array: &ArrayRef, sql_type: SqlType, options: &TextOptions) -> String {
    let mut out = BytesMut::new();
    assert!(encode(array, 0, sql_type, options, &mut out).unwrap());
    String::from_utf8(out.to_vec()).unwrap()
}

/// Reads `input` as `sql_type`; it must print as `text`, have the binary form `bytes`, and be the
/// same again when read from that.
#[track_caller]
fn check(sql_type: SqlType, input: &str, text: &str, bytes: &[u8]) {
    let value = array(input, sql_type);
    assert_eq!(*value.data_type(), sql_type.arrow());
    assert_eq!(shown(&value, sql_type, &TextOptions::default()), text);
    let mut out = BytesMut::new();
    assert!(binary::encode(&value, 0, sql_type, NumericForm::Digits, &mut out).unwrap());
    assert_eq!(&out[..], bytes, "binary form");
    let back = decode_param(Some(bytes), true, sql_type, Zone::UTC)
        .unwrap()
        .unwrap();
    assert_eq!(shown(&back, sql_type, &TextOptions::default()), text);
}

#[test]
fn every_type_both_ways() {
    check(SqlType::Bool, "yes", "t", &[1]);
    check(SqlType::Int2, "-2", "-2", &[0xff, 0xfe]);
    check(SqlType::Int4, " 258 ", "258", &[0, 0, 1, 2]);
    check(SqlType::Int8, "258", "258", &[0, 0, 0, 0, 0, 0, 1, 2]);
    check(SqlType::Oid, "4294967295", "4294967295", &[255; 4]);
    check(
        SqlType::Numeric(5, 2),
        "1.5",
        "1.50",
        &[0, 2, 0, 0, 0, 0, 0, 2, 0, 1, 0x13, 0x88],
    );
    check(SqlType::Float4, "1.5", "1.5", &[0x3f, 0xc0, 0, 0]);
    check(SqlType::Float8, "-2", "-2", &[0xc0, 0, 0, 0, 0, 0, 0, 0]);
    check(SqlType::Varchar(10), "héllo", "héllo", "héllo".as_bytes());
    check(SqlType::Char(4), "ab", "ab  ", b"ab  ");
    check(SqlType::Name, "dev", "dev", b"dev");
    check(SqlType::CharByte, "r", "r", b"r");
    // 2000-01-02 is one day after PostgreSQL's epoch.
    check(SqlType::Date, "2000-01-02", "2000-01-02", &[0, 0, 0, 1]);
    check(SqlType::Date, "1999-12-31", "1999-12-31", &[255; 4]);
    // 01:00 is 3,600,000,000 microseconds, 0xD693A400.
    check(
        SqlType::Time,
        "01:00",
        "01:00:00",
        &[0, 0, 0, 0, 0xd6, 0x93, 0xa4, 0],
    );
    check(
        SqlType::TimeTz,
        "03:00:00+02",
        "01:00:00+00",
        &[0, 0, 0, 0, 0xd6, 0x93, 0xa4, 0, 0, 0, 0, 0],
    );
    check(
        SqlType::Timestamp,
        "2000-01-01 00:00:00.000001",
        "2000-01-01 00:00:00.000001",
        &[0, 0, 0, 0, 0, 0, 0, 1],
    );
    check(
        SqlType::TimestampTz,
        "2000-01-01T05:30:00+05:30",
        "2000-01-01 00:00:00+00",
        &[0; 8],
    );
    check(SqlType::IntervalYM, "1-2", "1 years 2 mons", &[0, 0, 0, 14]);
    check(
        SqlType::IntervalDS,
        "0 01:00:00",
        "0 days 1 hours 0 mins 0.0 secs",
        &[0, 0, 0, 0, 0xd6, 0x93, 0xa4, 0],
    );
    check(SqlType::Varbyte(10), "00ff", "00ff", &[0, 255]);
    check(
        SqlType::Int2Array,
        "{1,NULL}",
        "{1,NULL}",
        &[
            0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 255,
            255, 255, 255,
        ],
    );
    check(
        SqlType::TextArray,
        r#"{"a b",c,"\"",""}"#,
        r#"{"a b",c,"\"",""}"#,
        b"\0\0\0\x01\0\0\0\0\0\0\0\x19\0\0\0\x04\0\0\0\x01\0\0\0\x03a b\0\0\0\x01c\0\0\0\x01\"\0\0\0\0",
    );
    check(
        SqlType::Int4Array,
        "{}",
        "{}",
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 23],
    );
}

#[test]
fn redshifts_binary_numeric() {
    let value = array("-1.50", SqlType::Numeric(5, 2));
    let mut out = BytesMut::new();
    binary::encode(
        &value,
        0,
        SqlType::Numeric(5, 2),
        NumericForm::Unscaled,
        &mut out,
    )
    .unwrap();
    assert_eq!(&out[..], (-150i64).to_be_bytes());
    let value = array("12345678901234567890.5", SqlType::Numeric(38, 1));
    let mut out = BytesMut::new();
    binary::encode(
        &value,
        0,
        SqlType::Numeric(38, 1),
        NumericForm::Unscaled,
        &mut out,
    )
    .unwrap();
    assert_eq!(&out[..], 123_456_789_012_345_678_905i128.to_be_bytes());
}

#[test]
fn timestamps_follow_zone_and_datestyle() {
    let value = array("2020-07-04 12:00:00+00", SqlType::TimestampTz);
    let with = |zone, style| {
        shown(
            &value,
            SqlType::TimestampTz,
            &TextOptions::new(zone, 0, style),
        )
    };
    assert_eq!(with("UTC", "ISO, MDY"), "2020-07-04 12:00:00+00");
    assert_eq!(with("Europe/Berlin", "ISO, MDY"), "2020-07-04 14:00:00+02");
    assert_eq!(
        with("Asia/Kolkata", "ISO, MDY"),
        "2020-07-04 17:30:00+05:30"
    );
    assert_eq!(
        with("America/New_York", "SQL, DMY"),
        "04/07/2020 08:00:00 EDT"
    );
    assert_eq!(with("UTC", "German"), "04.07.2020 12:00:00 UTC");
    assert_eq!(with("UTC", "Postgres, MDY"), "Sat Jul 04 12:00:00 2020 UTC");
}

#[test]
fn dates_before_christ() {
    let value = array("0044-03-15 BC", SqlType::Date);
    assert_eq!(
        shown(&value, SqlType::Date, &TextOptions::default()),
        "0044-03-15 BC"
    );
    let value = array("0001-12-31 00:00:00 BC", SqlType::Timestamp);
    assert_eq!(
        shown(&value, SqlType::Timestamp, &TextOptions::default()),
        "0001-12-31 00:00:00 BC"
    );
}

#[test]
fn floats_follow_extra_float_digits() {
    let value = array("0.1", SqlType::Float4);
    let with = |extra| {
        shown(
            &value,
            SqlType::Float4,
            &TextOptions::new("UTC", extra, "ISO"),
        )
    };
    assert_eq!(with(0), "0.1");
    assert_eq!(with(2), "0.1");
    // 0.1f is 0.100000001490116...
    assert_eq!(with(3), "0.100000001");
}

#[test]
fn what_is_refused() {
    let err = |sql_type, text: &str| {
        decode_param(Some(text.as_bytes()), false, sql_type, Zone::UTC)
            .unwrap_err()
            .state
            .0
    };
    assert_eq!(err(SqlType::Int2, "32768"), "22003");
    assert_eq!(err(SqlType::Int4, "x"), "22P02");
    assert_eq!(err(SqlType::Date, "2021-02-29"), "22008");
    assert_eq!(err(SqlType::Date, "infinity"), "0A000");
    assert_eq!(err(SqlType::Timestamp, "soon"), "22007");
    assert_eq!(err(SqlType::Time, "25:00"), "22008");
    assert_eq!(err(SqlType::Numeric(4, 2), "100"), "22003");
    assert_eq!(err(SqlType::Float4, "1e39"), "22003");
    assert_eq!(err(SqlType::Bool, "maybe"), "22P02");
    assert_eq!(err(SqlType::Int4Array, "{1,,2}"), "22P02");
    assert_eq!(err(SqlType::Text, "a\0b"), "22021");
    let bytes = |sql_type, raw: &[u8]| {
        decode_param(Some(raw), true, sql_type, Zone::UTC)
            .unwrap_err()
            .state
            .0
    };
    assert_eq!(bytes(SqlType::Int4, &[1]), "08P01");
    assert_eq!(bytes(SqlType::Text, &[0xff]), "22021");
    assert_eq!(bytes(SqlType::Int2Array, &[0, 0, 0, 1, 0]), "08P01");
    assert_eq!(bytes(SqlType::Timestamp, &i64::MAX.to_be_bytes()), "0A000");
    // A count that the message does not hold.
    let mut many = vec![0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 21];
    many.extend([0x7f, 255, 255, 255, 0, 0, 0, 1]);
    assert_eq!(bytes(SqlType::Int2Array, &many), "08P01");
}
