//! The buckets of the S3 endpoint, on a directory. Calls block: the callers run them on the
//! blocking pool.
//!
//! `ROOT/<bucket>/bucket.json`, `ROOT/<bucket>/objects/<2 hex>/<62 hex>` (SHA-256 of the key, so any
//! key is a safe name), `ROOT/<bucket>/uploads/<id>/`, `ROOT/.unfinished/`. The keys of a bucket are
//! held in order in memory, read from the files when the bucket is first used.

pub mod list;
pub mod object;
pub mod upload;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use lw_services::buckets::BucketError;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use object::{ObjectFile, ObjectMeta};

/// A result in S3's own words.
pub type StoreResult<T> = Result<T, BucketError>;

/// All buckets.
#[derive(Debug)]
pub struct BucketStore {
    root: PathBuf,
    unfinished: PathBuf,
    buckets: RwLock<HashMap<String, Arc<BucketDir>>>,
}

/// One bucket.
#[derive(Debug)]
pub struct BucketDir {
    /// Its name.
    pub name: String,
    /// When it was made, microseconds since 1970 UTC.
    pub created: i64,
    dir: PathBuf,
    unfinished: PathBuf,
    index: OnceLock<RwLock<BTreeMap<String, Arc<ObjectMeta>>>>,
    /// Held while a file takes its name and the index follows, so that the two agree.
    writing: Mutex<()>,
}

#[derive(Serialize, Deserialize)]
struct BucketFile {
    created: i64,
}

impl BucketStore {
    /// Opens (or makes) the store in this directory. What was left unfinished is removed.
    pub fn open(root: &Path) -> io::Result<Self> {
        let unfinished = root.join(".unfinished");
        std::fs::create_dir_all(&unfinished)?;
        for left in std::fs::read_dir(&unfinished)? {
            std::fs::remove_file(left?.path())?;
        }
        let mut buckets = HashMap::new();
        for entry in std::fs::read_dir(root)? {
            let dir = entry?.path();
            let Some(name) = dir.file_name().and_then(|n| n.to_str()).map(str::to_string) else {
                continue;
            };
            match object::read_small(&dir.join("bucket.json")) {
                Ok(json) => {
                    let file: BucketFile = serde_json::from_slice(&json)?;
                    buckets.insert(
                        name.clone(),
                        Arc::new(BucketDir::new(name, file.created, dir, &unfinished)),
                    );
                }
                // A directory whose making was cut short is no bucket.
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(BucketStore {
            root: root.to_path_buf(),
            unfinished,
            buckets: RwLock::new(buckets),
        })
    }

    /// A bucket.
    pub fn bucket(&self, name: &str) -> StoreResult<Arc<BucketDir>> {
        self.buckets
            .read()
            .get(name)
            .cloned()
            .ok_or_else(no_such_bucket)
    }

    /// All buckets by name.
    pub fn buckets(&self) -> Vec<Arc<BucketDir>> {
        let mut all: Vec<_> = self.buckets.read().values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Makes a bucket. True if it is new, false if it was there.
    pub fn create_bucket(&self, name: &str) -> StoreResult<bool> {
        let mut buckets = self.buckets.write();
        if buckets.contains_key(name) {
            return Ok(false);
        }
        let dir = self.root.join(name);
        std::fs::create_dir_all(dir.join("objects"))?;
        std::fs::create_dir_all(dir.join("uploads"))?;
        let created = lw_base::clock::now_micros();
        let json = serde_json::to_vec(&BucketFile { created }).map_err(BucketError::internal)?;
        object::write_small(&dir.join("bucket.json"), &self.unfinished, &json)?;
        object::sync_dir(&self.root)?;
        let bucket = BucketDir::new(name.to_string(), created, dir, &self.unfinished);
        buckets.insert(name.to_string(), Arc::new(bucket));
        Ok(true)
    }

    /// Deletes an empty bucket.
    pub fn delete_bucket(&self, name: &str) -> StoreResult<()> {
        let mut buckets = self.buckets.write();
        let bucket = buckets.get(name).ok_or_else(no_such_bucket)?.clone();
        let _writing = bucket.writing.lock();
        if !bucket.index()?.read().is_empty() {
            return Err(BucketError::new(
                409,
                "BucketNotEmpty",
                "The bucket you tried to delete is not empty",
            ));
        }
        std::fs::remove_file(bucket.dir.join("bucket.json"))?;
        object::sync_dir(&bucket.dir)?;
        buckets.remove(name);
        std::fs::remove_dir_all(&bucket.dir)?;
        Ok(object::sync_dir(&self.root)?)
    }
}

impl BucketDir {
    fn new(name: String, created: i64, dir: PathBuf, unfinished: &Path) -> Self {
        BucketDir {
            name,
            created,
            dir,
            unfinished: unfinished.to_path_buf(),
            index: OnceLock::new(),
            writing: Mutex::new(()),
        }
    }

    fn index(&self) -> StoreResult<&RwLock<BTreeMap<String, Arc<ObjectMeta>>>> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        // Two first users may both read the files; the first one to finish wins. Nobody writes
        // before having an index, so both see the same files.
        let mut keys = BTreeMap::new();
        for shard in std::fs::read_dir(self.dir.join("objects"))? {
            for file in std::fs::read_dir(shard?.path())? {
                let (_, meta) = object::open(&file?.path())?;
                keys.insert(meta.key.clone(), Arc::new(meta));
            }
        }
        Ok(self.index.get_or_init(|| RwLock::new(keys)))
    }

    pub(crate) fn object_path(&self, key: &str) -> PathBuf {
        let hash = hex::encode(Sha256::digest(key.as_bytes()));
        self.dir.join("objects").join(&hash[..2]).join(&hash[2..])
    }

    /// What is known of an object.
    pub fn meta(&self, key: &str) -> StoreResult<Arc<ObjectMeta>> {
        let index = self.index()?.read();
        index.get(key).cloned().ok_or_else(no_such_key)
    }

    /// An object's open file (its bytes are the first `size`) and description, of one version.
    pub fn open(&self, key: &str) -> StoreResult<(File, ObjectMeta)> {
        self.meta(key)?;
        match object::open(&self.object_path(key)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(no_such_key()),
            other => Ok(other?),
        }
    }

    /// Begins an object or part.
    pub fn begin(&self) -> StoreResult<ObjectFile> {
        Ok(ObjectFile::create(&self.unfinished)?)
    }

    /// Makes an object visible; `only_new` refuses to replace one.
    pub fn finish(
        &self,
        file: ObjectFile,
        mut meta: ObjectMeta,
        only_new: bool,
    ) -> StoreResult<Arc<ObjectMeta>> {
        let index = self.index()?;
        let _writing = self.writing.lock();
        if !self.dir.join("bucket.json").exists() {
            return Err(no_such_bucket());
        }
        if only_new && index.read().contains_key(&meta.key) {
            return Err(precondition_failed());
        }
        meta.modified = lw_base::clock::now_micros();
        file.persist(&self.object_path(&meta.key), &mut meta)?;
        let meta = Arc::new(meta);
        index.write().insert(meta.key.clone(), meta.clone());
        Ok(meta)
    }

    /// Deletes an object; true if it was there.
    pub fn delete(&self, key: &str) -> StoreResult<bool> {
        let index = self.index()?;
        let _writing = self.writing.lock();
        if index.write().remove(key).is_none() {
            return Ok(false);
        }
        let path = self.object_path(key);
        std::fs::remove_file(&path)?;
        object::sync_dir(path.parent().unwrap_or(&self.dir))?;
        Ok(true)
    }
}

pub(crate) fn no_such_bucket() -> BucketError {
    BucketError::new(404, "NoSuchBucket", "The specified bucket does not exist")
}

pub(crate) fn no_such_key() -> BucketError {
    BucketError::new(404, "NoSuchKey", "The specified key does not exist.")
}

pub(crate) fn precondition_failed() -> BucketError {
    BucketError::new(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    )
}

#[cfg(test)]
mod tests;
