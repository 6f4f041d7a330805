//! Uploads in parts.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use lw_services::buckets::BucketError;
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use serde::{Deserialize, Serialize};

use super::object::{self, ObjectFile, ObjectMeta, append};
use super::{BucketDir, StoreResult};

/// The smallest part that is not the last (S3: 5 MiB).
const MIN_PART: u64 = 5 << 20;

/// An upload that was begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upload {
    /// Its id.
    pub id: String,
    /// What the object will be (size and ETag are not known yet).
    pub meta: ObjectMeta,
    /// Checksum algorithm, or empty.
    pub algorithm: String,
    /// When it was begun, microseconds since 1970 UTC.
    pub begun: i64,
}

/// A part named by the request that completes an upload.
#[derive(Debug)]
pub struct NamedPart {
    /// Its number.
    pub number: u32,
    /// Its ETag without quotes.
    pub etag: String,
}

fn no_such_upload() -> BucketError {
    BucketError::new(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    )
}

impl BucketDir {
    fn upload_dir(&self, id: &str) -> StoreResult<PathBuf> {
        // Ids are ours: hex digits only, so a made-up one cannot leave the directory.
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(no_such_upload());
        }
        Ok(self.dir.join("uploads").join(id))
    }

    /// Begins an upload; `meta` is what the object will be.
    pub fn begin_upload(&self, meta: ObjectMeta, algorithm: String) -> StoreResult<Upload> {
        let upload = Upload {
            id: uuid::Uuid::new_v4().simple().to_string(),
            meta,
            algorithm,
            begun: lw_base::clock::now_micros(),
        };
        let dir = self.upload_dir(&upload.id)?;
        std::fs::create_dir_all(&dir)?;
        let json = serde_json::to_vec(&upload).map_err(BucketError::internal)?;
        object::write_small(&dir.join("upload.json"), &self.unfinished, &json)?;
        Ok(upload)
    }

    /// An upload of this key.
    pub fn upload(&self, key: &str, id: &str) -> StoreResult<Upload> {
        let json = match object::read_small(&self.upload_dir(id)?.join("upload.json")) {
            Ok(json) => json,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(no_such_upload()),
            Err(e) => return Err(e.into()),
        };
        let upload: Upload = serde_json::from_slice(&json).map_err(BucketError::internal)?;
        if upload.meta.key != key {
            return Err(no_such_upload());
        }
        Ok(upload)
    }

    /// All uploads, by key and id.
    pub fn uploads(&self) -> StoreResult<Vec<Upload>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.dir.join("uploads"))? {
            if let Ok(json) = object::read_small(&entry?.path().join("upload.json"))
                && let Ok(upload) = serde_json::from_slice::<Upload>(&json)
            {
                all.push(upload);
            }
        }
        all.sort_by(|a, b| (&a.meta.key, &a.id).cmp(&(&b.meta.key, &b.id)));
        Ok(all)
    }

    /// Stores a part, replacing one of the same number.
    pub fn finish_part(
        &self,
        upload: &Upload,
        number: u32,
        file: ObjectFile,
        mut meta: ObjectMeta,
    ) -> StoreResult<ObjectMeta> {
        let dir = self.upload_dir(&upload.id)?;
        if !dir.join("upload.json").exists() {
            return Err(no_such_upload());
        }
        meta.modified = lw_base::clock::now_micros();
        file.persist(&dir.join(format!("{number:05}.part")), &mut meta)?;
        Ok(meta)
    }

    /// The parts of an upload, by number.
    pub fn parts(&self, upload: &Upload) -> StoreResult<Vec<(u32, ObjectMeta)>> {
        let mut parts = Vec::new();
        for entry in std::fs::read_dir(self.upload_dir(&upload.id)?)? {
            let path = entry?.path();
            let number = path
                .file_name()
                .and_then(|n| n.to_str())
                .and_then(|n| n.strip_suffix(".part"))
                .and_then(|n| n.parse::<u32>().ok());
            if let Some(number) = number {
                parts.push((number, object::open(&path)?.1));
            }
        }
        parts.sort_by_key(|(number, _)| *number);
        Ok(parts)
    }

    /// Puts the named parts together as the object.
    pub fn complete_upload(
        &self,
        upload: &Upload,
        named: &[NamedPart],
        only_new: bool,
        new_hasher: impl Fn(&str) -> ChecksumHasher,
        into_map: impl Fn(ChecksumHasher) -> std::collections::BTreeMap<String, String>,
    ) -> StoreResult<Arc<ObjectMeta>> {
        let invalid_part = || {
            BucketError::new(
                400,
                "InvalidPart",
                "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
            )
        };
        if named.is_empty() {
            return Err(BucketError::new(
                400,
                "MalformedXML",
                "You must specify at least one part",
            ));
        }
        if named.windows(2).any(|w| w[0].number >= w[1].number) {
            return Err(BucketError::new(
                400,
                "InvalidPartOrder",
                "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
            ));
        }
        let have: std::collections::BTreeMap<u32, ObjectMeta> =
            self.parts(upload)?.into_iter().collect();
        let dir = self.upload_dir(&upload.id)?;
        let full = upload.meta.checksum_type == "FULL_OBJECT" && !upload.algorithm.is_empty();
        let mut file = self.begin()?;
        if full {
            file.hasher = new_hasher(&upload.algorithm);
        }
        let mut of_parts = Md5::new();
        let mut composite = new_hasher(&upload.algorithm);
        for (i, part) in named.iter().enumerate() {
            let meta = have.get(&part.number).ok_or_else(invalid_part)?;
            if meta.etag != part.etag {
                return Err(invalid_part());
            }
            if i + 1 < named.len() && meta.size < MIN_PART {
                return Err(BucketError::new(
                    400,
                    "EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size",
                ));
            }
            of_parts.update(hex::decode(&meta.etag).map_err(BucketError::internal)?);
            if let Some(sum) = meta.checksums.get(&upload.algorithm) {
                use base64::Engine;
                let raw = base64::engine::general_purpose::STANDARD
                    .decode(sum)
                    .map_err(BucketError::internal)?;
                composite.update(&raw);
            }
            append(
                &dir.join(format!("{:05}.part", part.number)),
                None,
                &mut file,
            )?;
        }
        let mut meta = upload.meta.clone();
        meta.etag = format!("{}-{}", hex::encode(of_parts.finalize()), named.len());
        meta.parts = Some(named.len() as u32);
        if full {
            meta.checksums = into_map(std::mem::take(&mut file.hasher));
        } else if !upload.algorithm.is_empty() {
            meta.checksum_type = "COMPOSITE".to_string();
            meta.checksums = into_map(composite)
                .into_iter()
                .map(|(name, sum)| (name, format!("{sum}-{}", named.len())))
                .collect();
        }
        let meta = self.finish(file, meta, only_new)?;
        std::fs::remove_dir_all(&dir)?;
        Ok(meta)
    }

    /// Forgets an upload and its parts.
    pub fn abort_upload(&self, upload: &Upload) -> StoreResult<()> {
        Ok(std::fs::remove_dir_all(self.upload_dir(&upload.id)?)?)
    }
}
