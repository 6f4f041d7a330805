//! The admin's password and the root's access key: given by the operator, or generated once and
//! kept in the data directory.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::data_dir::{DataDir, write_private};

const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const KEY_ID: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The credentials in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Name of the admin user.
    pub admin_user: String,
    /// The password given to the admin at the first start, or by the operator since.
    pub admin_password: String,
    /// The root's access key id.
    pub access_key_id: String,
    /// The root's secret access key.
    pub secret_access_key: String,
    /// True if some of it was generated just now, and so must be shown to the operator.
    #[serde(skip)]
    pub fresh: bool,
}

impl Credentials {
    /// What a data directory keeps.
    pub fn kept(dir: &Path) -> Result<Credentials> {
        let path = dir.join("credentials");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Those kept, with a new access key for the root, which is kept from then on.
    pub fn with_new_access_key(dir: &DataDir, config: &Config) -> Result<Credentials> {
        if config.access_key_id.is_some() {
            anyhow::bail!(
                "the access key is given by the environment or the configuration; change it there"
            );
        }
        let mut credentials = Credentials::kept(dir.root())?;
        credentials.access_key_id = new_key_id();
        credentials.secret_access_key = new_secret();
        write_private(&dir.credentials(), &toml::to_string(&credentials)?)?;
        Ok(credentials)
    }

    /// What the operator gives, else what the directory keeps, else new ones. What is in force is
    /// kept in the directory.
    pub fn load(dir: &DataDir, config: &Config) -> Result<Credentials> {
        let path = dir.credentials();
        let kept: Option<Credentials> = match std::fs::read_to_string(&path) {
            Ok(text) => {
                Some(toml::from_str(&text).with_context(|| format!("in {}", path.display()))?)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let old = kept.as_ref();
        let mut fresh = false;
        let mut choose = |given: &Option<String>, old: Option<&String>, new: fn() -> String| {
            given.clone().or_else(|| old.cloned()).unwrap_or_else(|| {
                fresh = true;
                new()
            })
        };
        let mut credentials = Credentials {
            admin_user: config.admin_user.clone(),
            admin_password: choose(
                &config.admin_password,
                old.map(|o| &o.admin_password),
                new_password,
            ),
            access_key_id: choose(
                &config.access_key_id,
                old.map(|o| &o.access_key_id),
                new_key_id,
            ),
            secret_access_key: choose(
                &config.secret_access_key,
                old.map(|o| &o.secret_access_key),
                new_secret,
            ),
            fresh: false,
        };
        if kept.as_ref() != Some(&credentials) {
            write_private(&path, &toml::to_string(&credentials)?)?;
        }
        credentials.fresh = fresh;
        Ok(credentials)
    }
}

fn new_key_id() -> String {
    format!("AKIA{}", lw_base::random::string(16, KEY_ID))
}

fn new_secret() -> String {
    lw_base::random::string(40, SECRET)
}

/// A password that keeps Redshift's rules: upper case, lower case and digits.
fn new_password() -> String {
    loop {
        let password = lw_base::random::string(20, LETTERS);
        let has = |test: fn(&u8) -> bool| password.bytes().any(|b| test(&b));
        if has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit) {
            return password;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::ServeArgs;

    #[test]
    fn generated_once_and_then_kept() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        let mut config = Config::load(ServeArgs::default()).unwrap();
        let first = Credentials::load(&dir, &config).unwrap();
        assert!(first.fresh);
        let mode = std::fs::metadata(dir.credentials())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Credentials::load(&dir, &config).unwrap();
        assert_eq!(
            second,
            Credentials {
                fresh: false,
                ..first.clone()
            }
        );
        config.admin_password = Some("Given1234".into());
        let third = Credentials::load(&dir, &config).unwrap();
        assert_eq!(third.admin_password, "Given1234");
        assert_eq!(third.access_key_id, first.access_key_id);
        assert!(!third.fresh);
    }
}
