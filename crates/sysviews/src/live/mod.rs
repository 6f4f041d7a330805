//! What goes on now: `stv_sessions`, `stv_recents`, `stv_inflight`, `stv_locks`, transactions,
//! cursors.

use crate::prelude::*;

mod locks;
mod running;
mod sessions;

/// The list.
pub const RELATIONS: &[&SystemRelation] = &[
    &locks::PG_LOCKS,
    &locks::STV_ACTIVE_CURSORS,
    &locks::STV_DB_ISOLATION_LEVEL,
    &locks::STV_LOCKS,
    &locks::SVV_TRANSACTIONS,
    &running::PG_STAT_ACTIVITY,
    &running::STV_INFLIGHT,
    &running::STV_RECENTS,
    &running::SVV_QUERY_INFLIGHT,
    &sessions::STV_SESSIONS,
];
