//! What is kept: typed records in memory, written through to the [`RecordStore`]. Reading takes a
//! [`View`] that never changes; changing takes a [`Txn`], of which there is one at a time, and which is
//! durable when its commit returns. A request that fails on the way changes nothing.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use imbl::OrdMap;
use lw_aws_model::ApiError;
use lw_catalog::{RawRecord, RecordChange, RecordStore};
use parking_lot::RwLock;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

/// A type of record. Fields that are added later need `#[serde(default)]`.
pub trait Record: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name of the type in the store. Never reused for another.
    const KIND: &'static str;

    /// Its id among those of its type. Lists are in its order.
    fn id(&self) -> String;
}

#[derive(Clone)]
struct Entry {
    body: Arc<str>,
    typed: Arc<OnceLock<Arc<dyn Any + Send + Sync>>>,
}

impl Entry {
    fn typed<R: Record>(&self) -> Option<Arc<R>> {
        if let Some(known) = self.typed.get() {
            return known.clone().downcast().ok();
        }
        match serde_json::from_str::<R>(&self.body) {
            Ok(record) => {
                let record = Arc::new(record);
                let _ = self.typed.set(record.clone());
                Some(record)
            }
            Err(error) => {
                tracing::error!(kind = R::KIND, %error, "a record cannot be read");
                None
            }
        }
    }
}

type Kinds = HashMap<String, OrdMap<String, Entry>>;

/// All records.
pub struct Records {
    store: Arc<dyn RecordStore>,
    state: RwLock<Arc<Kinds>>,
    writer: Arc<Mutex<()>>,
    version: watch::Sender<u64>,
}

impl Records {
    /// Reads what the store keeps.
    pub async fn open(store: Arc<dyn RecordStore>) -> lw_base::Result<Arc<Records>> {
        let mut kinds = Kinds::new();
        for record in store.load().await? {
            kinds.entry(record.kind).or_default().insert(
                record.id,
                Entry {
                    body: record.body.into(),
                    typed: Arc::default(),
                },
            );
        }
        Ok(Arc::new(Records {
            store,
            state: RwLock::new(Arc::new(kinds)),
            writer: Arc::default(),
            version: watch::Sender::new(0),
        }))
    }

    /// What is committed now.
    pub fn view(&self) -> View {
        View {
            kinds: self.state.read().clone(),
        }
    }

    /// Begins a change; waits for the one under way.
    pub async fn begin(self: &Arc<Self>) -> Txn {
        let guard = self.writer.clone().lock_owned().await;
        Txn {
            base: self.view(),
            records: self.clone(),
            changes: BTreeMap::new(),
            _guard: guard,
        }
    }

    /// Tells of every commit.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

/// The records at one moment.
#[derive(Clone)]
pub struct View {
    kinds: Arc<Kinds>,
}

impl View {
    /// The record with this id.
    pub fn get<R: Record>(&self, id: &str) -> Option<Arc<R>> {
        self.kinds.get(R::KIND)?.get(id)?.typed()
    }

    /// All records of a type, in order of ids.
    pub fn list<R: Record>(&self) -> Vec<Arc<R>> {
        self.kinds
            .get(R::KIND)
            .into_iter()
            .flat_map(|all| all.values())
            .filter_map(Entry::typed)
            .collect()
    }

    /// The records whose ids begin with `prefix`, in order.
    pub fn list_under<R: Record>(&self, prefix: &str) -> Vec<Arc<R>> {
        self.kinds
            .get(R::KIND)
            .into_iter()
            .flat_map(|all| all.range(prefix.to_string()..))
            .take_while(|(id, _)| id.starts_with(prefix))
            .filter_map(|(_, entry)| entry.typed())
            .collect()
    }

    /// How many records of a type there are.
    pub fn count<R: Record>(&self) -> usize {
        self.kinds.get(R::KIND).map_or(0, OrdMap::len)
    }
}

struct Pending {
    kind: &'static str,
    id: String,
    /// `None`: deleted.
    entry: Option<Entry>,
}

/// A change under way. Dropped without commit, it never was.
pub struct Txn {
    base: View,
    records: Arc<Records>,
    changes: BTreeMap<(&'static str, String), Pending>,
    _guard: OwnedMutexGuard<()>,
}

impl Txn {
    /// The record with this id, as this change sees it.
    pub fn get<R: Record>(&self, id: &str) -> Option<Arc<R>> {
        match self.changes.get(&(R::KIND, id.to_string())) {
            Some(change) => change.entry.as_ref().and_then(Entry::typed),
            None => self.base.get(id),
        }
    }

    /// All records of a type, in order of ids.
    pub fn list<R: Record>(&self) -> Vec<Arc<R>> {
        let mut all: BTreeMap<String, Arc<R>> = self
            .base
            .list::<R>()
            .into_iter()
            .map(|record| (record.id(), record))
            .collect();
        for ((kind, id), change) in &self.changes {
            if *kind != R::KIND {
                continue;
            }
            match change.entry.as_ref().and_then(Entry::typed) {
                Some(record) => all.insert(id.clone(), record),
                None => all.remove(id),
            };
        }
        all.into_values().collect()
    }

    /// How many records of a type there are.
    pub fn count<R: Record>(&self) -> usize {
        let mut count = self.base.count::<R>();
        for ((kind, id), change) in &self.changes {
            if *kind != R::KIND {
                continue;
            }
            let was = self.base.get::<R>(id).is_some();
            match (was, change.entry.is_some()) {
                (false, true) => count += 1,
                (true, false) => count -= 1,
                _ => {}
            }
        }
        count
    }

    /// Makes a record or replaces it.
    pub fn put<R: Record>(&mut self, record: R) -> Result<(), ApiError> {
        let body = serde_json::to_string(&record).map_err(ApiError::internal)?;
        let id = record.id();
        let typed: Arc<OnceLock<Arc<dyn Any + Send + Sync>>> = Arc::default();
        let _ = typed.set(Arc::new(record));
        self.changes.insert(
            (R::KIND, id.clone()),
            Pending {
                kind: R::KIND,
                id,
                entry: Some(Entry {
                    body: body.into(),
                    typed,
                }),
            },
        );
        Ok(())
    }

    /// Deletes a record.
    pub fn delete<R: Record>(&mut self, id: &str) {
        self.changes.insert(
            (R::KIND, id.to_string()),
            Pending {
                kind: R::KIND,
                id: id.to_string(),
                entry: None,
            },
        );
    }

    /// Changes a record in place; says whether it was there.
    pub fn update<R: Record>(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut R),
    ) -> Result<bool, ApiError> {
        let Some(record) = self.get::<R>(id) else {
            return Ok(false);
        };
        let mut record = (*record).clone();
        change(&mut record);
        if record.id() != id {
            self.delete::<R>(id);
        }
        self.put(record)?;
        Ok(true)
    }

    /// Makes all of it durable and visible.
    pub async fn commit(self) -> Result<(), ApiError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let changes: Vec<RecordChange> = self
            .changes
            .values()
            .map(|change| match &change.entry {
                Some(entry) => RecordChange::Put(RawRecord {
                    kind: change.kind.into(),
                    id: change.id.clone(),
                    body: entry.body.to_string(),
                }),
                None => RecordChange::Delete {
                    kind: change.kind.into(),
                    id: change.id.clone(),
                },
            })
            .collect();
        let Txn {
            records,
            changes: pending,
            _guard,
            ..
        } = self;
        // Once begun it runs to its end, even if the client goes away: the store and the memory would
        // part otherwise.
        tokio::spawn(async move {
            records.store.commit(&changes).await.map_err(|error| {
                ApiError::internal(format!("the change could not be made durable: {error}"))
            })?;
            let mut kinds = (**records.state.read()).clone();
            for ((kind, id), change) in pending {
                let all = kinds.entry(kind.to_string()).or_default();
                match change.entry {
                    Some(entry) => all.insert(id, entry),
                    None => all.remove(&id),
                };
            }
            *records.state.write() = Arc::new(kinds);
            records.version.send_modify(|version| *version += 1);
            drop(_guard);
            Ok(())
        })
        .await
        .map_err(ApiError::internal)?
    }
}
