//! Functions over the session: who, where, when (Developer Guide, "System information functions",
//! "Leader node-only functions").

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use lw_pgrepr::SqlType;
use lw_pgrepr::types::VARCHAR_MAX;

use crate::cast::Locale;
use crate::datetime_text::MICROS_PER_DAY;
use crate::func::{Call, Ret, STR, Ty, func};
use crate::rows::*;

/// What `version()` says before Longwave's own version.
const VERSION: &str = "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.";

fn user_name(call: &Call, session_user: bool) -> lw_base::Result<Option<String>> {
    let session = call.session()?;
    let oid = if session_user {
        session.session_user
    } else {
        session.user
    };
    Ok(session.catalog.user(oid).map(|u| u.name.clone()))
}

fn zone_local(call: &Call, utc: i64) -> lw_base::Result<i64> {
    let zone = Locale::of(call.session()?).zone;
    Ok(utc + zone.offset_at(utc) as i64 * 1_000_000)
}

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let int = Ret::Is(SqlType::Int4);
    let big = Ret::Is(SqlType::Int8);
    let name = Ret::Is(SqlType::Name);
    let ts = Ret::Is(SqlType::Timestamp);
    let tstz = Ret::Is(SqlType::TimestampTz);
    vec![
        func("current_user", "r_CURRENT_USER")
            .alias(&["user"])
            .stable()
            .form(&[], name, |c| constant(c, user_name(c, false)?))
            .build(),
        func("session_user", "r_SESSION_USER")
            .stable()
            .form(&[], name, |c| constant(c, user_name(c, true)?))
            .build(),
        func("current_user_id", "r_CURRENT_USER_ID")
            .stable()
            .form(&[], int, |c| constant(c, Some(c.session()?.user.0 as i32)))
            .build(),
        func("current_database", "r_CURRENT_DATABASE")
            .alias(&["current_catalog"])
            .stable()
            .form(&[], name, |c| {
                let session = c.session()?;
                constant(
                    c,
                    session
                        .catalog
                        .database(session.database)
                        .map(|d| d.name.clone()),
                )
            })
            .build(),
        func("version", "r_VERSION")
            .stable()
            .form(&[], STR, |c| {
                constant(c, Some(format!("{VERSION}{}", env!("CARGO_PKG_VERSION"))))
            })
            .build(),
        func("pg_backend_pid", "PG_BACKEND_PID")
            .stable()
            .form(&[], int, |c| constant(c, Some(c.session()?.pid)))
            .build(),
        func("pg_last_copy_count", "PG_LAST_COPY_COUNT")
            .stable()
            .form(&[], big, |c| {
                constant(c, Some(c.session()?.last_copy_count))
            })
            .build(),
        func("pg_last_copy_id", "PG_LAST_COPY_ID")
            .stable()
            .form(&[], int, |c| {
                constant(c, Some(c.session()?.last_copy_id as i32))
            })
            .build(),
        func("pg_last_query_id", "PG_LAST_QUERY_ID")
            .stable()
            .form(&[], big, |c| constant(c, Some(c.session()?.last_query_id)))
            .build(),
        func("pg_last_unload_count", "PG_LAST_UNLOAD_COUNT")
            .stable()
            .form(&[], big, |c| {
                constant(c, Some(c.session()?.last_unload_count))
            })
            .build(),
        func("current_setting", "r_CURRENT_SETTING")
            .stable()
            .form(&[Ty::Str], STR, |c| {
                let session = c.session()?.clone();
                map1::<Strs, String>(c, |n| match session.settings.get(n) {
                    Some(value) => Ok(Some(value.to_string())),
                    None => Err(lw_base::SqlError::new(
                        lw_base::SqlState::UNDEFINED_OBJECT,
                        format!("unrecognized configuration parameter \"{n}\""),
                    )),
                })
            })
            .build(),
        func("sysdate", "r_SYSDATE")
            .stable()
            .form(&[], ts, |c| {
                constant(c, Some(zone_local(c, c.session()?.transaction_start)?))
            })
            .build(),
        func("getdate", "r_GETDATE")
            .stable()
            .form(&[], ts, |c| {
                // Whole seconds.
                let now = zone_local(c, c.session()?.statement_start)?;
                constant(c, Some(now - now.rem_euclid(1_000_000)))
            })
            .build(),
        func("now", "r_CURRENT_TIMESTAMP")
            .alias(&["current_timestamp", "transaction_timestamp"])
            .stable()
            .form(&[], tstz, |c| {
                constant(c, Some(c.session()?.transaction_start))
            })
            .build(),
        func("localtimestamp", "r_LOCALTIMESTAMP")
            .stable()
            .form(&[], ts, |c| {
                constant(c, Some(zone_local(c, c.session()?.transaction_start)?))
            })
            .build(),
        func("current_date", "r_CURRENT_DATE_function")
            .stable()
            .form(&[], Ret::Is(SqlType::Date), |c| {
                let now = zone_local(c, c.session()?.transaction_start)?;
                constant(c, Some(now.div_euclid(MICROS_PER_DAY)))
            })
            .build(),
        func("localtime", "r_LOCALTIME")
            .stable()
            .form(&[], Ret::Is(SqlType::Time), |c| {
                let now = zone_local(c, c.session()?.transaction_start)?;
                constant(c, Some(now.rem_euclid(MICROS_PER_DAY)))
            })
            .build(),
        func("current_time", "r_CURRENT_TIME")
            .stable()
            .form(&[], Ret::Is(SqlType::TimeTz), |c| {
                let now = c.session()?.transaction_start;
                constant(c, Some(now.rem_euclid(MICROS_PER_DAY) * 1000))
            })
            .build(),
        func("timeofday", "r_TIMEOFDAY_function")
            .volatile()
            .form(&[], Ret::Is(SqlType::Varchar(VARCHAR_MAX)), |c| {
                let now = lw_base::clock::now_micros();
                let zone = Locale::of(c.session()?).zone;
                let (offset, abbreviation) = zone.at(now);
                let at = now + offset as i64 * 1_000_000;
                let f = crate::dateparts::Fields::of(at);
                let cap = |s: &str| {
                    let mut s = s[..3].to_string();
                    s[..1].make_ascii_uppercase();
                    s
                };
                let day = if f.weekday() == 0 { 7 } else { f.weekday() };
                let text = format!(
                    "{} {} {:02} {:02}:{:02}:{:02}.{:06} {:04} {}",
                    cap(crate::datetime_text::weekday_name(day as u32)),
                    cap(crate::datetime_text::month_name(f.month)),
                    f.day,
                    f.hour(),
                    f.minute(),
                    f.second_micros() / 1_000_000,
                    f.second_micros() % 1_000_000,
                    f.year,
                    abbreviation.unwrap_or_default(),
                );
                constant(c, Some(text))
            })
            .build(),
    ]
}
