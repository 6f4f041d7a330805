//! ALTER, CREATE and DROP of users and groups, GRANT and REVOKE: plans to catalog changes.

use lw_base::{Result, SqlError};
use lw_catalog::Change;
use lw_engine::IdSource;
use lw_services::Notice;
use lw_settings::SessionInfo;
use lw_sql_plan::AclPlan;

/// The changes a plan stands for.
pub async fn changes(
    _plan: &AclPlan,
    _session: &SessionInfo,
    _ids: &dyn IdSource,
) -> Result<(Vec<Change>, Vec<Notice>)> {
    Err(SqlError::unsupported("this statement"))
}
