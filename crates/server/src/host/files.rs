//! What is on disk: where each namespace has its files, and changes of directories that a crash
//! leaves whole.
//!
//! The default namespace has its files in the data directory itself (`catalog.db`, `events.db`,
//! `segments/`, `spill/`) until it is restored from a snapshot; all others, and it from then on, have
//! a directory `namespaces/<id>/` each. Names that begin with a dot are work in progress.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use lw_base::{Result, SqlError, SqlState, random};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::data_dir::write_private;

/// What a namespace is, in its directory. Written last: a directory without it is not whole.
pub const NAMESPACE_FILE: &str = "namespace.json";
/// Which port it was given.
pub const PORT_FILE: &str = "port.json";
/// How much it was used.
pub const USE_FILE: &str = "use.json";
/// A directory that is being made.
const NEW: &str = ".new-";
/// A directory whose place is being taken.
const OLD: &str = ".old-";
/// A directory to be removed.
const GONE: &str = ".gone-";

/// What a namespace is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamespaceFile {
    /// Its id.
    pub id: String,
    /// Its first database.
    pub database: String,
    /// Name of the admin user.
    pub admin_user: String,
    /// True: serverless.
    pub serverless: bool,
}

/// The port a namespace was given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PortFile {
    /// The one asked for.
    pub asked: u16,
    /// The one it has.
    pub given: u16,
}

/// How much a namespace was used, microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct UseFile {
    /// Transactions were open.
    pub busy: i64,
    /// Charged.
    pub charged: i64,
}

/// Where things are.
#[derive(Debug)]
pub struct Layout {
    root: PathBuf,
    default: NamespaceFile,
}

impl Layout {
    /// The layout of a data directory: the default namespace gets its id at the first start, and what
    /// a crash left half done is put right.
    pub fn open(root: &Path, admin_user: &str) -> Result<Layout> {
        let root = root.to_path_buf();
        let known = read_json::<NamespaceFile>(&root.join(NAMESPACE_FILE))?;
        let default = match known.clone() {
            Some(file) => NamespaceFile {
                admin_user: admin_user.to_string(),
                ..file
            },
            None => NamespaceFile {
                id: new_uuid(),
                database: "dev".to_string(),
                admin_user: admin_user.to_string(),
                serverless: true,
            },
        };
        if known.as_ref() != Some(&default) {
            write_json(&root.join(NAMESPACE_FILE), &default)?;
        }
        let layout = Layout { root, default };
        for dir in ["namespaces", "snapshots", "regions"] {
            std::fs::create_dir_all(layout.root.join(dir))?;
        }
        layout.recover()?;
        Ok(layout)
    }

    /// The data directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Id of the default namespace.
    pub fn default_namespace(&self) -> &str {
        &self.default.id
    }

    /// The directory of a namespace.
    pub fn namespace(&self, id: &str) -> PathBuf {
        let own = self.own_directory(id);
        if id == self.default.id && !own.exists() {
            return self.root.clone();
        }
        own
    }

    fn own_directory(&self, id: &str) -> PathBuf {
        self.root.join("namespaces").join(id)
    }

    /// All namespaces.
    pub fn namespaces(&self) -> Result<Vec<NamespaceFile>> {
        // A restore has made it another.
        let restored = read_json(&self.own_directory(&self.default.id).join(NAMESPACE_FILE))?;
        let default = NamespaceFile {
            admin_user: self.default.admin_user.clone(),
            ..restored.unwrap_or_else(|| self.default.clone())
        };
        let mut all = vec![default];
        for name in names(&self.root.join("namespaces"))? {
            let path = self.own_directory(&name).join(NAMESPACE_FILE);
            match read_json::<NamespaceFile>(&path)? {
                Some(file) if file.id != self.default.id => all.push(file),
                _ => {}
            }
        }
        Ok(all)
    }

    /// The directory in which a namespace is made: [`Layout::put_namespace`] gives it its place.
    pub fn new_namespace(&self, id: &str) -> Result<PathBuf> {
        let dir = self.root.join("namespaces").join(format!("{NEW}{id}"));
        remove(&dir)?;
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// Gives a new directory its place, which another one may have: then that one goes. It is seen
    /// whole or not at all, whenever the process ends.
    pub fn put_namespace(&self, file: &NamespaceFile) -> Result<()> {
        let all = self.root.join("namespaces");
        let new = all.join(format!("{NEW}{}", file.id));
        write_json(&new.join(NAMESPACE_FILE), file)?;
        sync_tree(&new)?;
        let (place, old) = (
            self.own_directory(&file.id),
            all.join(format!("{OLD}{}", file.id)),
        );
        remove(&old)?;
        if place.exists() {
            std::fs::rename(&place, &old)?;
        }
        std::fs::rename(&new, &place)?;
        sync_dir(&all)?;
        remove(&old)?;
        if file.id == self.default.id {
            self.leave_root()?;
        }
        Ok(())
    }

    /// Removes a namespace with all it holds.
    pub fn remove_namespace(&self, id: &str) -> Result<()> {
        remove(&self.own_directory(id))
    }

    /// Removes the default namespace's files from the data directory once it has a directory of its
    /// own.
    fn leave_root(&self) -> Result<()> {
        if !self.own_directory(&self.default.id).exists() {
            return Ok(());
        }
        for name in ["catalog.db", "events.db"] {
            for suffix in ["", "-wal", "-shm"] {
                remove(&self.root.join(format!("{name}{suffix}")))?;
            }
        }
        for name in ["segments", "spill"] {
            remove(&self.root.join(name))?;
        }
        Ok(())
    }

    /// Ends what a crash left half done.
    fn recover(&self) -> Result<()> {
        let all = self.root.join("namespaces");
        for name in hidden(&all)? {
            let Some(id) = name.strip_prefix(OLD) else {
                continue;
            };
            let (place, new) = (self.own_directory(id), all.join(format!("{NEW}{id}")));
            if !place.exists() {
                // Between the two renames: the new one was whole before the first.
                let from = match new.join(NAMESPACE_FILE).exists() {
                    true => new,
                    false => all.join(&name),
                };
                std::fs::rename(from, place)?;
            }
        }
        let mut places = vec![self.root.clone(), all, self.root.join("snapshots")];
        for region in names(&self.root.join("regions"))? {
            places.push(self.root.join("regions").join(region).join("snapshots"));
        }
        for place in places {
            for name in hidden(&place)? {
                remove(&place.join(name))?;
            }
        }
        self.leave_root()
    }

    /// The port a namespace was given last.
    pub fn port(&self, id: &str) -> Option<PortFile> {
        read_json(&self.namespace(id).join(PORT_FILE)).ok()?
    }

    /// Remembers the port a namespace is given.
    pub fn set_port(&self, id: &str, port: PortFile) -> Result<()> {
        if self.port(id) == Some(port) {
            return Ok(());
        }
        write_json(&self.namespace(id).join(PORT_FILE), &port)
    }
}

/// A UUID of version 4.
pub fn new_uuid() -> String {
    let mut b = random::bytes::<16>();
    b[6] = b[6] & 0x0f | 0x40;
    b[8] = b[8] & 0x3f | 0x80;
    let hex: String = b.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

/// Refuses what would not be a name of a directory of ours.
pub fn check_name(kind: &str, name: &str) -> Result<()> {
    let fits = !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && !name.contains(['/', '\\', '\0']);
    if fits {
        return Ok(());
    }
    Err(SqlError::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("invalid name of a {kind}: \"{name}\""),
    ))
}

/// Reads a file of JSON; `None` if there is none.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|e| SqlError::internal(format!("{}: {e}", path.display()))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Writes a file of JSON: whole or not at all.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(SqlError::internal)?;
    write_private(path, &text).map_err(SqlError::internal)
}

/// Removes a file, or a directory with all in it. A directory goes out of sight first, so that a crash
/// leaves nothing that looks whole.
pub fn remove(path: &Path) -> Result<()> {
    let done = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let out_of_sight = path.with_file_name(match name.starts_with('.') {
                true => name.to_string(),
                false => format!("{GONE}{name}-{}", new_uuid()),
            });
            std::fs::rename(path, &out_of_sight)
                .and_then(|()| std::fs::remove_dir_all(&out_of_sight))
        }
        Ok(_) => std::fs::remove_file(path),
        Err(e) => Err(e),
    };
    match done {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}

/// Names in a directory, those of work in progress left out; none if there is no directory.
pub fn names(dir: &Path) -> Result<Vec<String>> {
    entries(dir, |name| !name.starts_with('.'))
}

fn hidden(dir: &Path) -> Result<Vec<String>> {
    entries(dir, |name| {
        [NEW, OLD, GONE].iter().any(|mark| name.starts_with(mark))
    })
}

fn entries(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let found = match std::fs::read_dir(dir) {
        Ok(found) => found,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e.into()),
    };
    let mut names = Vec::new();
    for entry in found {
        if let Ok(name) = entry?.file_name().into_string()
            && wanted(&name)
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Makes names in a directory durable.
pub fn sync_dir(dir: &Path) -> Result<()> {
    Ok(File::open(dir)?.sync_all()?)
}

/// Makes names in a directory and in those below it durable. Files are synced as they are written.
pub fn sync_tree(dir: &Path) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_dir(dir)
}
