//! Secrets at rest: sealed under a root key that is a file of the data directory, so that a copy of the
//! records alone opens nothing.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{digest, hmac};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
const FILE: &str = "root.key";

/// Something sealed does not open: another key, another context, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoesNotOpen;

/// A key of AES-256-GCM.
pub struct Sealer {
    key: LessSafeKey,
    derive: hmac::Key,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// The sealer with a key; `None` unless it has [`KEY_BYTES`].
    pub fn new(key: &[u8]) -> Option<Sealer> {
        let derive = digest::digest(&digest::SHA256, &[b"longwave derive", key].concat());
        let unbound = UnboundKey::new(&AES_256_GCM, key).ok()?;
        Some(Sealer {
            key: LessSafeKey::new(unbound),
            derive: hmac::Key::new(hmac::HMAC_SHA256, derive.as_ref()),
        })
    }

    /// Seals: a nonce, then what is sealed. It opens only with the same context.
    pub fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        let nonce: [u8; NONCE_LEN] = lw_base::random::bytes();
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut sealed,
            )
            .map_err(|_| DoesNotOpen)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Sealer::seal`] made.
    pub fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| DoesNotOpen)?;
        let mut rest = rest.to_vec();
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(context), &mut rest)
            .map_err(|_| DoesNotOpen)?;
        Ok(plain.to_vec())
    }

    /// Forty characters that follow from a name, and that nobody without the key can tell.
    pub fn derive(&self, name: &str) -> String {
        let tag = hmac::sign(&self.derive, name.as_bytes());
        STANDARD.encode(&tag.as_ref()[..30])
    }

    /// [`Sealer::seal`] as text.
    pub fn seal_text(&self, plain: &[u8], context: &str) -> Result<String, DoesNotOpen> {
        let sealed = self.seal(plain, context.as_bytes())?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`Sealer::seal_text`] made.
    pub fn open_text(&self, text: &str, context: &str) -> Result<Vec<u8>, DoesNotOpen> {
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| DoesNotOpen)?;
        self.open(&sealed, context.as_bytes())
    }
}

/// Reads the root key of a directory; the first start makes it.
pub fn root(dir: &Path) -> std::io::Result<Sealer> {
    let path = dir.join(FILE);
    let key = match std::fs::read(&path) {
        Ok(key) => key,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(dir)?;
            make(dir, &path)?
        }
        Err(e) => return Err(e),
    };
    if std::fs::metadata(&path)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the root key can be read by others");
    }
    Sealer::new(&key).ok_or_else(|| {
        std::io::Error::other(format!(
            "{} does not hold {KEY_BYTES} bytes",
            path.display()
        ))
    })
}

/// Under another name first: a key half written would lose everything sealed with the whole of it.
fn make(dir: &Path, path: &Path) -> std::io::Result<Vec<u8>> {
    let key: [u8; KEY_BYTES] = lw_base::random::bytes();
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(&key)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    std::fs::File::open(dir)?.sync_all()?;
    Ok(key.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_with_key_and_context_only() {
        let dir = tempfile::tempdir().unwrap();
        let sealed = root(dir.path()).unwrap().seal_text(b"hello", "a").unwrap();
        let again = root(dir.path()).unwrap();
        assert_eq!(again.open_text(&sealed, "a"), Ok(b"hello".to_vec()));
        assert_eq!(again.open_text(&sealed, "b"), Err(DoesNotOpen));
        assert_eq!(again.open_text("AAAA", "a"), Err(DoesNotOpen));
        assert_eq!(again.open_text("%", "a"), Err(DoesNotOpen));
        let other = Sealer::new(&[7; KEY_BYTES]).unwrap();
        assert_eq!(other.open_text(&sealed, "a"), Err(DoesNotOpen));
        assert!(Sealer::new(&[7; 16]).is_none());
        let mode = std::fs::metadata(dir.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
