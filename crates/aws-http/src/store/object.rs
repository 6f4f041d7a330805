//! One object is one file: its bytes, then what is known of it as JSON, then a fixed tail. So a
//! single rename makes bytes and description appear together, and a reader that holds the file open
//! keeps the version it began with.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// Ends every object file.
const MAGIC: &[u8; 8] = b"LWOBJ01\n";
/// Length of the description, then [`MAGIC`].
const TAIL: u64 = 12;

/// What is known of an object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectMeta {
    /// Its key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// ETag without quotes: MD5 in hex, `-n` behind it if it was uploaded in n parts.
    pub etag: String,
    /// When it was stored, microseconds since 1970 UTC.
    pub modified: i64,
    /// Headers given with it that come back with it, by lower-case name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// `x-amz-meta-…`.
    #[serde(default)]
    pub user: BTreeMap<String, String>,
    /// Checksums in base64 by algorithm (`CRC32`, `SHA256`, ...).
    #[serde(default)]
    pub checksums: BTreeMap<String, String>,
    /// `COMPOSITE` or `FULL_OBJECT`; empty without checksums.
    #[serde(default)]
    pub checksum_type: String,
    /// How many parts it was uploaded in.
    #[serde(default)]
    pub parts: Option<u32>,
}

/// An object or part that is being written. Dropping it leaves nothing.
pub struct ObjectFile {
    temp: NamedTempFile,
    md5: Md5,
    hashed: bool,
    size: u64,
    /// Checksums to compute besides the MD5.
    pub hasher: ChecksumHasher,
}

impl ObjectFile {
    /// Begins a file in the directory of unfinished ones.
    pub fn create(unfinished: &Path) -> io::Result<Self> {
        Ok(ObjectFile {
            temp: NamedTempFile::new_in(unfinished)?,
            md5: Md5::new(),
            hashed: true,
            size: 0,
            hasher: ChecksumHasher::default(),
        })
    }

    /// The same without an MD5 of its bytes: no one compares it.
    pub fn unhashed(mut self) -> Self {
        self.hashed = false;
        self
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.hashed {
            self.md5.update(bytes);
        }
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        self.temp.write_all(bytes)
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// MD5 of the bytes so far; meaningless if [`ObjectFile::unhashed`].
    pub fn md5(&self) -> [u8; 16] {
        self.md5.clone().finalize().into()
    }

    /// Appends the description, makes the file durable and gives it its name. The size is filled in.
    pub fn persist(mut self, path: &Path, meta: &mut ObjectMeta) -> io::Result<()> {
        meta.size = self.size;
        let json = serde_json::to_vec(meta)?;
        self.temp.write_all(&json)?;
        self.temp.write_all(&(json.len() as u32).to_le_bytes())?;
        self.temp.write_all(MAGIC)?;
        self.temp.as_file().sync_all()?;
        let dir = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir)?;
        self.temp.persist(path).map_err(|e| e.error)?;
        sync_dir(dir)
    }
}

/// Opens an object's file; its bytes are the first `size` ones.
pub fn open(path: &Path) -> io::Result<(File, ObjectMeta)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let broken = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is not an object file", path.display()),
        )
    };
    let mut tail = [0u8; TAIL as usize];
    let end = length.checked_sub(TAIL).ok_or_else(broken)?;
    file.read_exact_at(&mut tail, end)?;
    if &tail[4..] != MAGIC {
        return Err(broken());
    }
    let json_length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    let size = end.checked_sub(json_length).ok_or_else(broken)?;
    let mut json = vec![0u8; json_length as usize];
    file.read_exact_at(&mut json, size)?;
    let meta: ObjectMeta = serde_json::from_slice(&json)?;
    if meta.size != size {
        return Err(broken());
    }
    Ok((file, meta))
}

/// Appends the bytes of a stored object or part to one being written.
pub fn append(
    from: &Path,
    range: Option<std::ops::Range<u64>>,
    to: &mut ObjectFile,
) -> io::Result<()> {
    let (file, meta) = open(from)?;
    let range = range.unwrap_or(0..meta.size);
    let mut buffer = vec![0u8; 1 << 20];
    let mut at = range.start;
    while at < range.end {
        let want = buffer.len().min((range.end - at) as usize);
        file.read_exact_at(&mut buffer[..want], at)?;
        to.write(&buffer[..want])?;
        at += want as u64;
    }
    Ok(())
}

/// Makes renames and deletions in a directory durable.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Writes a small file so that it is whole or absent.
pub fn write_small(path: &Path, unfinished: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temp = NamedTempFile::new_in(unfinished)?;
    temp.write_all(bytes)?;
    temp.as_file().sync_all()?;
    temp.persist(path).map_err(|e| e.error)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Reads a small file.
pub fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}
