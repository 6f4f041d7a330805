//! The leader of a warehouse: opening it, logins, cancellation.

use std::sync::Arc;

use async_trait::async_trait;
use lw_base::{Oid, Result, SqlError, SqlState, clock, random};
use lw_catalog::{CatalogStore, User};
use lw_engine::{Engine, IdSource};
use lw_events::{ConnectionEvent, EventLog};
use lw_services::{Challenge, ClientInfo, Proof, Session, SqlService};
use lw_settings::SettingValues;

use crate::live::Live;
use crate::registry::{ClientNote, Registry, SessionEntry};
use crate::session::LeaderSession;
use crate::txn::TransactionManager;
use crate::{auth, bootstrap, record};

/// Most sessions of a warehouse at once, of ordinary users (Management Guide, quotas: 500).
const MAX_SESSIONS: usize = 500;
/// Sessions kept free for superusers.
const RESERVED_SESSIONS: usize = 5;

/// What all sessions share.
pub struct Shared {
    /// Transactions and the catalog.
    pub txns: Arc<TransactionManager>,
    /// The engine.
    pub engine: Engine,
    /// The record of what happens.
    pub events: Arc<EventLog>,
    /// The sessions.
    pub registry: Arc<Registry>,
    secret: [u8; 32],
}

impl Shared {
    /// Where ids come from.
    pub fn ids(&self) -> Arc<dyn IdSource> {
        self.txns.ids()
    }

    /// Forgets a session and records its end.
    pub(crate) fn end_session(&self, entry: &SessionEntry) {
        self.registry.remove(entry.pid);
        self.events.close_session(entry.pid);
        if !entry.client.internal {
            let catalog = self.txns.current();
            let mut end = entry.client.connection.clone();
            end.event = ConnectionEvent::DisconnectingSession;
            end.time = clock::now_micros();
            end.pid = entry.pid;
            end.duration = end.time - entry.started;
            end.database_name = record::database_name(&catalog, entry.database);
            self.events.record_connection(end);
        }
    }
}

/// The leader of a warehouse.
#[derive(Clone)]
pub struct Leader {
    shared: Arc<Shared>,
}

/// What a leader is made of. The engine is made by a function because its system relations show
/// the leader's live state.
pub struct LeaderParts {
    /// The catalog store.
    pub store: Arc<dyn CatalogStore>,
    /// The event log.
    pub events: Arc<EventLog>,
    /// The admin's name, used at the first start to make the user.
    pub admin_user: String,
    /// The password.
    pub admin_password: String,
    /// True: the password replaces the one the admin has (the operator's word wins).
    pub admin_password_given: bool,
    /// Makes the engine over the leader's live state.
    pub engine: Box<dyn FnOnce(Arc<dyn lw_sysviews::LiveState>) -> Result<Engine> + Send>,
}

impl Leader {
    /// Opens the warehouse; makes its first databases and users if it is new.
    pub async fn open(parts: LeaderParts) -> Result<Leader> {
        let txns = TransactionManager::open(parts.store).await?;
        bootstrap::run(
            &txns,
            &parts.admin_user,
            &parts.admin_password,
            parts.admin_password_given,
        )
        .await?;
        let registry = Arc::new(Registry::new(parts.events.last_query_id() + 1));
        let live = Arc::new(Live::new(
            txns.clone(),
            parts.events.clone(),
            registry.clone(),
        ));
        let engine = (parts.engine)(live)?;
        Ok(Leader {
            shared: Arc::new(Shared {
                txns,
                engine,
                events: parts.events,
                registry,
                secret: random::bytes(),
            }),
        })
    }

    /// What all sessions share, for background work.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// A session of the service itself, as this user.
    pub fn internal_session(&self, user: &str, database: &str) -> Result<LeaderSession> {
        let catalog = self.shared.txns.current();
        let user = auth::verify(&catalog, user, &Proof::Trusted)?;
        let database = database_named(&catalog, database)?;
        let note = ClientNote {
            internal: true,
            ..ClientNote::default()
        };
        let entry = self
            .shared
            .registry
            .add(user.oid, &user.name, database, note);
        Ok(self.session(entry, SettingValues::default()))
    }

    fn session(&self, entry: Arc<SessionEntry>, settings: SettingValues) -> LeaderSession {
        // Ids of temporary schemas are never stored: they live above all others, one per session.
        let temp_schema = Oid(u32::MAX - (entry.pid as u32 & 0x00ff_ffff));
        LeaderSession::new(self.shared.clone(), entry, temp_schema, settings)
    }

    /// Ends every session (shutdown).
    pub fn end_all_sessions(&self) {
        for entry in self.shared.registry.all() {
            entry.terminate();
        }
    }

    fn refuse_beyond_limits(&self, user: &User, database: Oid) -> Result<()> {
        let catalog = self.shared.txns.current();
        let sessions: Vec<_> = self
            .shared
            .registry
            .all()
            .into_iter()
            .filter(|s| !s.client.internal)
            .collect();
        let limit = if user.superuser {
            MAX_SESSIONS
        } else {
            MAX_SESSIONS - RESERVED_SESSIONS
        };
        let too_many = |message: String| {
            Err(SqlError::new(SqlState::TOO_MANY_CONNECTIONS, message)
                .with_hint("Close sessions that are not used, or raise the limit.")
                .fatal())
        };
        if sessions.len() >= limit {
            return too_many(format!(
                "connection limit \"{limit}\" exceeded for the warehouse"
            ));
        }
        if user.superuser {
            return Ok(());
        }
        let of_user = sessions.iter().filter(|s| s.user == user.oid).count();
        if user.connection_limit.is_some_and(|l| of_user >= l as usize) {
            return too_many(format!("too many connections for user \"{}\"", user.name));
        }
        let of_database = sessions.iter().filter(|s| s.database == database).count();
        let database = catalog.database(database);
        if let Some(d) = database
            && d.connection_limit
                .is_some_and(|l| of_database >= l as usize)
        {
            return too_many(format!("too many connections for database \"{}\"", d.name));
        }
        Ok(())
    }
}

fn database_named(catalog: &lw_catalog::CatalogSnapshot, name: &str) -> Result<Oid> {
    catalog.database_named(name).map(|d| d.oid).ok_or_else(|| {
        SqlError::new(
            SqlState::INVALID_CATALOG_NAME,
            format!("database \"{name}\" does not exist"),
        )
        .fatal()
    })
}

#[async_trait]
impl SqlService for Leader {
    async fn challenge(&self, user: &str) -> Result<Challenge> {
        Ok(auth::challenge(
            &self.shared.txns.current(),
            user,
            &self.shared.secret,
        ))
    }

    async fn connect(&self, client: ClientInfo, proof: Proof) -> Result<Box<dyn Session>> {
        let catalog = self.shared.txns.current();
        let note = |event, pid| record::connection(event, &client, &proof, pid);
        let user = auth::verify(&catalog, &client.user, &proof).inspect_err(|_| {
            self.shared
                .events
                .record_connection(note(ConnectionEvent::AuthenticationFailure, 0));
        })?;
        let database = database_named(&catalog, &client.database)?;
        self.refuse_beyond_limits(&user, database)?;
        let settings = crate::setting::of_start(&user, &client.options)?;
        let entry = self.shared.registry.add(
            user.oid,
            &user.name,
            database,
            ClientNote {
                address: client.remote_address,
                port: client.remote_port,
                application: client
                    .options
                    .get("application_name")
                    .cloned()
                    .unwrap_or_default(),
                connection: note(ConnectionEvent::InitiatingSession, 0),
                internal: false,
            },
        );
        let events = &self.shared.events;
        events.record_connection(note(ConnectionEvent::Authenticated, entry.pid));
        events.record_connection(note(ConnectionEvent::InitiatingSession, entry.pid));
        let mut session_record = record::session(&entry, &client.database);
        session_record.timeout_s = user.session_timeout_s.map_or(0, u64::from);
        events.open_session(session_record);
        Ok(Box::new(self.session(entry, settings)))
    }

    fn cancel(&self, pid: i32, key: i32) {
        if let Some(entry) = self.shared.registry.get(pid).filter(|e| e.key == key) {
            entry.cancel("Query cancelled on user's request");
        }
    }
}
