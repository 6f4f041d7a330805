//! Casts to dates, times and intervals.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use lw_base::Result;
use lw_pgrepr::{SqlType, Zone};

use super::Job;
use crate::datetime_text::{self, MICROS_PER_DAY};

impl Job<'_> {
    pub(super) fn stamp(&self, row: usize) -> i64 {
        self.array
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
    }

    /// The local clock of a TIMESTAMPTZ.
    pub(super) fn local(&self, utc: i64) -> i64 {
        utc + self.locale.zone.offset_at(utc) as i64 * 1_000_000
    }

    pub(super) fn to_date(&self) -> Result<ArrayRef> {
        let values: Vec<Option<i32>> = match self.from {
            SqlType::Date => return Ok(self.array.clone()),
            SqlType::Timestamp => {
                self.each(|r| Ok(self.stamp(r).div_euclid(MICROS_PER_DAY) as i32))?
            }
            SqlType::TimestampTz => {
                self.each(|r| Ok(self.local(self.stamp(r)).div_euclid(MICROS_PER_DAY) as i32))?
            }
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| datetime_text::parse_date(strings.value(r), self.locale.order))?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(Date32Array::from(values)))
    }

    pub(super) fn to_timestamp(&self) -> Result<ArrayRef> {
        let values: Vec<Option<i64>> = match self.from {
            SqlType::Timestamp => return Ok(self.array.clone()),
            SqlType::Date => self.each(|r| {
                Ok(self.array.as_primitive::<Date32Type>().value(r) as i64 * MICROS_PER_DAY)
            })?,
            SqlType::TimestampTz => self.each(|r| Ok(self.local(self.stamp(r))))?,
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    Ok(datetime_text::parse_timestamp(strings.value(r), self.locale.order)?.0)
                })?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(TimestampMicrosecondArray::from(values)))
    }

    pub(super) fn to_timestamptz(&self) -> Result<ArrayRef> {
        let zone = self.locale.zone;
        let values: Vec<Option<i64>> = match self.from {
            SqlType::TimestampTz => return Ok(self.array.clone()),
            SqlType::Date => self.each(|r| {
                Ok(zone.to_utc(
                    self.array.as_primitive::<Date32Type>().value(r) as i64 * MICROS_PER_DAY,
                ))
            })?,
            SqlType::Timestamp => self.each(|r| Ok(zone.to_utc(self.stamp(r))))?,
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    let (local, named) =
                        datetime_text::parse_timestamp(strings.value(r), self.locale.order)?;
                    Ok(named.unwrap_or(zone).to_utc(local))
                })?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(
            TimestampMicrosecondArray::from(values).with_timezone("UTC"),
        ))
    }

    pub(super) fn to_time(&self) -> Result<ArrayRef> {
        let values: Vec<Option<i64>> = match self.from {
            SqlType::Time => return Ok(self.array.clone()),
            SqlType::TimeTz => self.each(|r| {
                let utc = self.array.as_primitive::<Time64NanosecondType>().value(r) / 1000;
                Ok(self.local(utc).rem_euclid(MICROS_PER_DAY))
            })?,
            SqlType::Timestamp => self.each(|r| Ok(self.stamp(r).rem_euclid(MICROS_PER_DAY)))?,
            SqlType::TimestampTz => {
                self.each(|r| Ok(self.local(self.stamp(r)).rem_euclid(MICROS_PER_DAY)))?
            }
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    Ok(datetime_text::parse_time(strings.value(r), self.locale.order)?.0)
                })?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(Time64MicrosecondArray::from(values)))
    }

    pub(super) fn to_timetz(&self) -> Result<ArrayRef> {
        let now = lw_base::clock::now_micros();
        let utc = |local: i64, zone: Zone| {
            let east = zone.offset_at(now) as i64 * 1_000_000;
            (local - east).rem_euclid(MICROS_PER_DAY) * 1000
        };
        let values: Vec<Option<i64>> = match self.from {
            SqlType::TimeTz => return Ok(self.array.clone()),
            SqlType::Time => self.each(|r| {
                let local = self.array.as_primitive::<Time64MicrosecondType>().value(r);
                Ok(utc(local, self.locale.zone))
            })?,
            SqlType::Timestamp => self.each(|r| {
                Ok(utc(
                    self.stamp(r).rem_euclid(MICROS_PER_DAY),
                    self.locale.zone,
                ))
            })?,
            SqlType::TimestampTz => {
                self.each(|r| Ok(self.stamp(r).rem_euclid(MICROS_PER_DAY) * 1000))?
            }
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| {
                    let (local, named) =
                        datetime_text::parse_time(strings.value(r), self.locale.order)?;
                    Ok(utc(local, named.unwrap_or(self.locale.zone)))
                })?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(Time64NanosecondArray::from(values)))
    }

    pub(super) fn to_interval(&self) -> Result<ArrayRef> {
        let parts: Vec<Option<datetime_text::Interval>> = match self.from {
            SqlType::IntervalDS => self.each(|r| {
                let v = self
                    .array
                    .as_primitive::<IntervalMonthDayNanoType>()
                    .value(r);
                Ok(datetime_text::Interval {
                    months: v.months.into(),
                    days: v.days.into(),
                    micros: v.nanoseconds / 1000,
                })
            })?,
            SqlType::IntervalYM => self.each(|r| {
                let months = self.array.as_primitive::<IntervalYearMonthType>().value(r);
                Ok(datetime_text::Interval {
                    months: months.into(),
                    ..Default::default()
                })
            })?,
            t if t.is_string() => {
                let strings = self.strings()?;
                let unit = (self.to == SqlType::IntervalYM).then_some("year");
                self.each(|r| datetime_text::parse_interval(strings.value(r), unit))?
            }
            _ => return self.no_cast(),
        };
        if self.to == SqlType::IntervalYM {
            let months = parts.into_iter().map(|p| p.map(|p| p.months as i32));
            return Ok(Arc::new(IntervalYearMonthArray::from_iter(months)));
        }
        Ok(Arc::new(IntervalMonthDayNanoArray::from_iter(
            parts.into_iter().map(|p| p.map(to_arrow_interval)),
        )))
    }
}

/// An interval in Arrow's form.
pub fn to_arrow_interval(p: datetime_text::Interval) -> IntervalMonthDayNano {
    IntervalMonthDayNano::new(
        p.months as i32,
        p.days as i32,
        p.micros.saturating_mul(1000),
    )
}
