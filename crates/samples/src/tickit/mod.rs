//! TICKIT: people who buy and sell tickets for events at venues, over the year 2008. Tables,
//! columns, types, keys and row counts are those the Database Developer Guide documents ("Sample
//! database"); the rows are our own.

mod calendar;
mod market;
mod people;
mod places;
mod words;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int16Array, Int32Array, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::record_batch::RecordBatch;
use lw_base::SqlError;
use lw_pgrepr::SqlType::{Bool, Char, Date, Int2, Int4, Numeric, Timestamp, Varchar};

use crate::table::{Batches, Column, SampleTable};

/// Rows of `users`.
const USERS: usize = 49_990;
/// Rows of `venue`.
const VENUES: usize = 202;
/// Rows of `event`.
const EVENTS: usize = 8_798;
/// Rows of `listing`.
const LISTINGS: usize = 192_497;
/// Rows of `sales`.
const SALES: usize = 172_456;

macro_rules! columns {
    (@null not) => { true };
    (@null) => { false };
    ($($name:ident $ty:expr $(, $not:ident null)?;)*) => {
        &[$(Column { name: stringify!($name), sql_type: $ty, not_null: columns!(@null $($not)?) }),*]
    };
}

/// The tables, referenced ones first.
pub static TABLES: &[SampleTable] = &[
    SampleTable {
        schema: crate::TICKIT,
        name: "category",
        columns: columns! {
            catid Int2, not null;
            catgroup Varchar(10);
            catname Varchar(10);
            catdesc Varchar(50);
        },
        primary_key: "catid",
        attributes: "DISTKEY (catid) SORTKEY (catid)",
        row_count: |_| places::CATEGORIES.len() as u64,
        generate: |_, part, _| first(part, 0, places::category),
    },
    SampleTable {
        schema: crate::TICKIT,
        name: "date",
        columns: columns! {
            dateid Int2, not null;
            caldate Date, not null;
            day Char(3), not null;
            week Int2, not null;
            month Char(5), not null;
            qtr Char(5), not null;
            year Int2, not null;
            holiday Bool;
        },
        primary_key: "dateid",
        attributes: "DISTKEY (dateid) SORTKEY (dateid)",
        row_count: |_| calendar::DAYS as u64,
        generate: |_, part, _| first(part, 1, calendar::date),
    },
    SampleTable {
        schema: crate::TICKIT,
        name: "venue",
        columns: columns! {
            venueid Int2, not null;
            venuename Varchar(100);
            venuecity Varchar(30);
            venuestate Char(2);
            venueseats Int4;
        },
        primary_key: "venueid",
        attributes: "DISTKEY (venueid) SORTKEY (venueid)",
        row_count: |_| VENUES as u64,
        generate: |_, part, _| first(part, 2, places::venue),
    },
    SampleTable {
        schema: crate::TICKIT,
        name: "users",
        columns: columns! {
            userid Int4, not null;
            username Char(8);
            firstname Varchar(30);
            lastname Varchar(30);
            city Varchar(30);
            state Char(2);
            email Varchar(100);
            phone Char(14);
            likesports Bool;
            liketheatre Bool;
            likeconcerts Bool;
            likejazz Bool;
            likeclassical Bool;
            likeopera Bool;
            likerock Bool;
            likevegas Bool;
            likebroadway Bool;
            likemusicals Bool;
        },
        primary_key: "userid",
        attributes: "DISTKEY (userid) SORTKEY (userid)",
        row_count: |_| USERS as u64,
        generate: |_, part, _| first(part, 3, people::users),
    },
    SampleTable {
        schema: crate::TICKIT,
        name: "event",
        columns: columns! {
            eventid Int4, not null;
            venueid Int2, not null;
            catid Int2, not null;
            dateid Int2, not null;
            eventname Varchar(200);
            starttime Timestamp;
        },
        primary_key: "eventid",
        attributes: "DISTKEY (eventid) SORTKEY (dateid)",
        row_count: |_| EVENTS as u64,
        generate: |_, part, _| first(part, 4, market::event_columns),
    },
    SampleTable {
        schema: crate::TICKIT,
        name: "listing",
        columns: columns! {
            listid Int4, not null;
            sellerid Int4, not null;
            eventid Int4, not null;
            dateid Int2, not null;
            numtickets Int2, not null;
            priceperticket Numeric(8, 2);
            totalprice Numeric(8, 2);
            listtime Timestamp;
        },
        primary_key: "listid",
        attributes: "DISTKEY (listid) SORTKEY (dateid)",
        row_count: |_| LISTINGS as u64,
        generate: |_, part, _| first(part, 5, market::listing_columns),
    },
    SampleTable {
        schema: crate::TICKIT,
        name: "sales",
        columns: columns! {
            salesid Int4, not null;
            listid Int4, not null;
            sellerid Int4, not null;
            buyerid Int4, not null;
            eventid Int4, not null;
            dateid Int2, not null;
            qtysold Int2, not null;
            pricepaid Numeric(8, 2);
            commission Numeric(8, 2);
            saletime Timestamp;
        },
        primary_key: "salesid",
        attributes: "DISTKEY (listid) SORTKEY (dateid)",
        row_count: |_| SALES as u64,
        generate: |_, part, _| first(part, 6, market::sales_columns),
    },
];

/// The rows of a small table, all in the first part, as one batch.
fn first(part: i32, table: usize, columns: fn() -> Vec<ArrayRef>) -> Batches {
    if part != 1 {
        return Box::new(std::iter::empty());
    }
    Box::new(std::iter::once_with(move || {
        RecordBatch::try_new(TABLES[table].arrow_schema(), columns()).map_err(SqlError::internal)
    }))
}

fn int2(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int16Array::from_iter_values(values.map(|v| v as i16)))
}

fn int4(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(values.map(|v| v as i32)))
}

fn text<S: AsRef<str>>(values: impl Iterator<Item = S>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

fn dates(values: impl Iterator<Item = i32>) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(values))
}

fn booleans(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values))
}

fn timestamps(seconds: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(
        seconds.map(|s| s * 1_000_000),
    ))
}

/// DECIMAL(8,2) out of cents.
fn money(cents: impl Iterator<Item = i64>) -> ArrayRef {
    let values: Decimal128Array = cents.map(|c| Some(i128::from(c))).collect();
    Arc::new(values.with_data_type(Numeric(8, 2).arrow()))
}
