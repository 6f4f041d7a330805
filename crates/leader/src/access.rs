//! The access gate: may this user do what the plan needs? Asked once for each statement, before
//! anything runs.

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::CatalogSnapshot;
use lw_settings::SessionInfo;
use lw_sql_plan::Access;

/// Refuses the statement (42501) unless the session's user has every privilege it needs.
pub fn check(needs: &[Access], session: &SessionInfo) -> Result<()> {
    let catalog = &session.catalog;
    let Some(user) = catalog.user(session.user) else {
        return Err(denied("user no longer exists".into()));
    };
    if user.superuser {
        return Ok(());
    }
    needs.iter().try_for_each(|need| {
        // An object that is gone is reported as such when the statement runs.
        let allowed = match need {
            Access::Relation(oid, privilege) => catalog
                .relation(*oid)
                .is_none_or(|r| catalog.may_relation(user.oid, r, *privilege)),
            Access::Schema(oid, privilege) => {
                *oid == session.temp_schema
                    || catalog
                        .schema(*oid)
                        .is_none_or(|s| catalog.may_schema(user.oid, s, *privilege))
            }
            Access::OwnRelation(oid) => catalog.relation(*oid).is_none_or(|r| {
                r.owner == user.oid
                    || catalog
                        .schema(r.schema)
                        .is_some_and(|s| s.owner == user.oid)
            }),
            Access::OwnSchema(oid) => catalog.schema(*oid).is_none_or(|s| s.owner == user.oid),
            Access::OwnDatabase(oid) => catalog.database(*oid).is_none_or(|d| d.owner == user.oid),
            Access::Database(oid, privilege) => catalog
                .database(*oid)
                .is_none_or(|d| catalog.may_database(user.oid, d, *privilege)),
            Access::Superuser => false,
            Access::CreateDb => user.create_db,
        };
        if allowed {
            Ok(())
        } else {
            Err(refusal(need, catalog))
        }
    })
}

fn refusal(need: &Access, catalog: &CatalogSnapshot) -> SqlError {
    let relation = |oid: &Oid| catalog.relation(*oid).map_or("?", |r| r.name.as_str());
    let schema = |oid: &Oid| catalog.schema(*oid).map_or("?", |s| s.name.as_str());
    let database = |oid: &Oid| catalog.database(*oid).map_or("?", |d| d.name.as_str());
    denied(match need {
        Access::Relation(oid, _) => format!("permission denied for relation {}", relation(oid)),
        Access::Schema(oid, _) => format!("permission denied for schema {}", schema(oid)),
        Access::OwnRelation(oid) => format!("must be owner of relation {}", relation(oid)),
        Access::OwnSchema(oid) => format!("must be owner of schema {}", schema(oid)),
        Access::OwnDatabase(oid) => format!("must be owner of database {}", database(oid)),
        Access::Database(oid, _) => format!("permission denied for database {}", database(oid)),
        Access::Superuser => "must be superuser to perform this operation".into(),
        Access::CreateDb => "permission denied to create database".into(),
    })
}

fn denied(message: String) -> SqlError {
    SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
}
