//! The table `date`: the year 2008, numbered from 1827 as the documentation's examples have it.

use arrow::array::ArrayRef;
use chrono::{Datelike, Duration, NaiveDate};

use super::{booleans, dates, int2, text};

/// Rows of the table: the year without its last day, as documented.
pub const DAYS: i64 = 365;
/// `dateid` of the first day.
pub const FIRST_ID: i64 = 1827;
/// 2008-01-01 in days since 1970-01-01.
pub const FIRST_DAY: i64 = 13_879;
/// First and last `dateid` of November.
pub const NOVEMBER: std::ops::RangeInclusive<i64> = 2132..=2161;

const DAY_NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const MONTH_NAMES: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
/// Federal holidays of the United States in 2008, month and day.
const HOLIDAYS: [(u32, u32); 10] = [
    (1, 1),
    (1, 21),
    (2, 18),
    (5, 26),
    (7, 4),
    (9, 1),
    (10, 13),
    (11, 11),
    (11, 27),
    (12, 25),
];

pub fn date() -> Vec<ArrayRef> {
    let days: Vec<NaiveDate> = (0..DAYS).map(day).collect();
    vec![
        int2((0..DAYS).map(|i| FIRST_ID + i)),
        dates((0..DAYS).map(|i| (FIRST_DAY + i) as i32)),
        text(
            days.iter()
                .map(|d| DAY_NAMES[d.weekday().num_days_from_monday() as usize]),
        ),
        int2(days.iter().map(week)),
        text(days.iter().map(|d| MONTH_NAMES[d.month0() as usize])),
        text(days.iter().map(|d| (d.month0() / 3 + 1).to_string())),
        int2(days.iter().map(|d| i64::from(d.year()))),
        booleans(
            days.iter()
                .map(|d| Some(HOLIDAYS.contains(&(d.month(), d.day())))),
        ),
    ]
}

fn day(index: i64) -> NaiveDate {
    NaiveDate::default() + Duration::days(FIRST_DAY + index)
}

/// Week of the year: the first one starts on January 1st, the others on Sundays.
fn week(day: &NaiveDate) -> i64 {
    let first = i64::from(
        NaiveDate::from_yo_opt(day.year(), 1)
            .unwrap_or_default()
            .weekday()
            .num_days_from_sunday(),
    );
    (i64::from(day.ordinal0()) + first) / 7 + 1
}
