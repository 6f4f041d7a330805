//! How the server is set up: flags, environment variables and a TOML file. A flag wins over the
//! environment, that over the file, that over the default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use lw_aws_http::buckets::ExternalS3;
use serde::Deserialize;

/// The file looked for in the data directory if none is named.
const DEFAULT_FILE: &str = "longwave.toml";

/// What `longwave serve` takes. Each is also a key of the TOML file, with `_` for `-`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeArgs {
    /// Directory of everything durable [default: ./longwave-data]
    #[arg(long, env = "LONGWAVE_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address of the SQL port [default: 127.0.0.1:5439]
    #[arg(long, env = "LONGWAVE_SQL_ADDR")]
    pub sql_addr: Option<SocketAddr>,
    /// Address of the HTTP port [default: 127.0.0.1:5440]
    #[arg(long, env = "LONGWAVE_HTTP_ADDR")]
    pub http_addr: Option<SocketAddr>,
    /// Name of the admin user [default: awsuser]
    #[arg(long, env = "LONGWAVE_ADMIN_USER")]
    pub admin_user: Option<String>,
    /// The admin's password; generated if it is never given
    #[arg(long, env = "LONGWAVE_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// The root's access key id; generated if it is never given
    #[arg(long, env = "LONGWAVE_ACCESS_KEY_ID", hide_env_values = true)]
    pub access_key_id: Option<String>,
    /// The root's secret access key; generated if it is never given
    #[arg(long, env = "LONGWAVE_SECRET_ACCESS_KEY", hide_env_values = true)]
    pub secret_access_key: Option<String>,
    /// Region [default: us-east-1]
    #[arg(long, env = "LONGWAVE_REGION")]
    pub region: Option<String>,
    /// Account, twelve digits [default: 000000000000]
    #[arg(long, env = "LONGWAVE_ACCOUNT_ID")]
    pub account_id: Option<String>,
    /// Refuse SQL clients without TLS
    #[arg(long, env = "LONGWAVE_REQUIRE_SSL", num_args = 0..=1, default_missing_value = "true")]
    pub require_ssl: Option<bool>,
    /// More names or addresses for the server's certificate, separated by commas
    #[arg(long, env = "LONGWAVE_TLS_NAMES", value_delimiter = ',')]
    pub tls_names: Option<Vec<String>>,
    /// Memory that statements may use together, in megabytes [default: 60% of the machine's]
    #[arg(long, env = "LONGWAVE_MEMORY_MB")]
    pub memory_mb: Option<usize>,
    /// Partitions a query runs in [default: the number of processors]
    #[arg(long, env = "LONGWAVE_PARTITIONS")]
    pub partitions: Option<usize>,
    /// SQL connections at one time [default: 2000]
    #[arg(long, env = "LONGWAVE_MAX_CONNECTIONS")]
    pub max_connections: Option<usize>,
    /// SMTP relay (host:port) that takes e-mail to subscribers of topics [default: none]
    #[arg(long, env = "LONGWAVE_SMTP_RELAY")]
    pub smtp_relay: Option<String>,
    /// Address that e-mail is sent from [default: longwave@localhost]
    #[arg(long, env = "LONGWAVE_SMTP_FROM")]
    pub smtp_from: Option<String>,
    /// Another S3-compatible endpoint for COPY and UNLOAD; only in the file
    #[arg(skip)]
    pub external_s3: Option<ExternalS3File>,
    /// TOML file with these settings [default: longwave.toml in the data directory, if it is there]
    #[arg(long, env = "LONGWAVE_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// Section `[external_s3]` of the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalS3File {
    /// URL of the endpoint; Amazon's if it is missing.
    pub endpoint_url: Option<String>,
    /// Its region.
    pub region: String,
    /// Keys that stand for IAM roles there.
    pub access_key_id: Option<String>,
    /// Their secret.
    pub secret_access_key: Option<String>,
    /// Their session token.
    pub session_token: Option<String>,
}

impl From<ExternalS3File> for ExternalS3 {
    fn from(file: ExternalS3File) -> ExternalS3 {
        ExternalS3 {
            endpoint_url: file.endpoint_url,
            region: file.region,
            role_keys: file
                .access_key_id
                .zip(file.secret_access_key)
                .map(|(id, secret)| (id, secret, file.session_token)),
        }
    }
}

/// The settings in force.
#[derive(Clone)]
pub struct Config {
    /// Directory of everything durable.
    pub data_dir: PathBuf,
    /// Address of the SQL port.
    pub sql_addr: SocketAddr,
    /// Address of the HTTP port.
    pub http_addr: SocketAddr,
    /// Name of the admin user.
    pub admin_user: String,
    /// The admin's password, if one was given.
    pub admin_password: Option<String>,
    /// Access key id of the root, if one was given.
    pub access_key_id: Option<String>,
    /// Secret access key of the root, if one was given.
    pub secret_access_key: Option<String>,
    /// Region.
    pub region: String,
    /// Account, twelve digits.
    pub account_id: String,
    /// Refuse SQL clients without TLS.
    pub require_ssl: bool,
    /// More names of the server's certificate.
    pub tls_names: Vec<String>,
    /// Memory that statements may use together, bytes.
    pub memory_bytes: Option<usize>,
    /// Partitions a query runs in.
    pub partitions: Option<usize>,
    /// Another S3-compatible endpoint for COPY and UNLOAD.
    pub external_s3: Option<ExternalS3>,
    /// SQL connections at one time.
    pub max_connections: usize,
    /// SMTP relay for e-mail to subscribers of topics.
    pub smtp_relay: Option<String>,
    /// Address that e-mail is sent from.
    pub smtp_from: String,
}

impl Config {
    /// The settings in force for these arguments.
    pub fn load(args: ServeArgs) -> Result<Config> {
        let default_dir = || PathBuf::from("longwave-data");
        let file = match &args.config {
            Some(path) => read(path)?,
            None => {
                let path = args
                    .data_dir
                    .clone()
                    .unwrap_or_else(default_dir)
                    .join(DEFAULT_FILE);
                if path.exists() {
                    read(&path)?
                } else {
                    ServeArgs::default()
                }
            }
        };
        let config = Config {
            data_dir: args.data_dir.or(file.data_dir).unwrap_or_else(default_dir),
            sql_addr: args
                .sql_addr
                .or(file.sql_addr)
                .unwrap_or_else(|| local(5439)),
            http_addr: args
                .http_addr
                .or(file.http_addr)
                .unwrap_or_else(|| local(5440)),
            admin_user: given(args.admin_user, file.admin_user).unwrap_or_else(|| "awsuser".into()),
            admin_password: given(args.admin_password, file.admin_password),
            access_key_id: given(args.access_key_id, file.access_key_id),
            secret_access_key: given(args.secret_access_key, file.secret_access_key),
            region: given(args.region, file.region).unwrap_or_else(|| "us-east-1".into()),
            account_id: given(args.account_id, file.account_id)
                .unwrap_or_else(|| "000000000000".into()),
            require_ssl: args.require_ssl.or(file.require_ssl).unwrap_or(false),
            tls_names: args.tls_names.or(file.tls_names).unwrap_or_default(),
            memory_bytes: args
                .memory_mb
                .or(file.memory_mb)
                .map(|mb| mb.saturating_mul(1 << 20)),
            partitions: args.partitions.or(file.partitions),
            external_s3: file.external_s3.map(ExternalS3::from),
            max_connections: args
                .max_connections
                .or(file.max_connections)
                .unwrap_or(2000),
            smtp_relay: given(args.smtp_relay, file.smtp_relay),
            smtp_from: given(args.smtp_from, file.smtp_from)
                .unwrap_or_else(|| "longwave@localhost".into()),
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if self.account_id.len() != 12 || !self.account_id.bytes().all(|b| b.is_ascii_digit()) {
            anyhow::bail!(
                "the account id must have twelve digits, not \"{}\"",
                self.account_id
            );
        }
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            anyhow::bail!("an access key id and its secret access key must be given together");
        }
        if self.memory_bytes.is_some_and(|m| m < 64 << 20) {
            anyhow::bail!("at least 64 MB of memory are needed for statements");
        }
        if self.partitions == Some(0) || self.max_connections == 0 {
            anyhow::bail!("partitions and max-connections must be at least 1");
        }
        Ok(())
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The first that is given; an empty text counts as none.
fn given(first: Option<String>, second: Option<String>) -> Option<String> {
    first
        .filter(|s| !s.is_empty())
        .or(second.filter(|s| !s.is_empty()))
}

fn read(path: &Path) -> Result<ServeArgs> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in the configuration {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join(DEFAULT_FILE),
            "sql_addr = \"127.0.0.1:1\"\nregion = \"eu-central-1\"\nrequire_ssl = true\n",
        )
        .unwrap();
        let args = ServeArgs {
            data_dir: Some(dir.path().into()),
            sql_addr: Some(local(2)),
            ..ServeArgs::default()
        };
        let config = Config::load(args).unwrap();
        assert_eq!(config.sql_addr, local(2));
        assert_eq!(config.http_addr, local(5440));
        assert_eq!(config.region, "eu-central-1");
        assert!(config.require_ssl);
    }

    #[test]
    fn mistakes_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        std::fs::write(&path, "sql_adr = \"127.0.0.1:1\"\n").unwrap();
        let args = ServeArgs {
            config: Some(path),
            ..ServeArgs::default()
        };
        let error = format!("{:#}", Config::load(args).err().unwrap());
        assert!(error.contains("sql_adr"), "{error}");
        let args = ServeArgs {
            account_id: Some("12".into()),
            ..ServeArgs::default()
        };
        assert!(Config::load(args).is_err());
    }
}
