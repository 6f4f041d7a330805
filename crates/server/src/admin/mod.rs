//! `longwave admin`: what an operator does beside the running service: credentials, users and their
//! keys, backup and restore, a check of the data directory.

mod backup;
mod check;
mod users;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::config::{Config, ServeArgs};
use crate::credentials::Credentials;
use crate::data_dir::DataDir;

/// Arguments of `longwave admin`.
#[derive(Debug, Args)]
pub struct AdminArgs {
    /// The data directory [default: ./longwave-data]
    #[arg(long, env = "LONGWAVE_DATA_DIR", global = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Shows the admin's password and the root's access key, or makes a new key
    Credentials {
        /// Make a new access key for the root (the service must be stopped)
        #[arg(long)]
        new_access_key: bool,
    },
    /// Lists IAM users and their access keys (the service must be stopped)
    Users,
    /// Makes an access key for an IAM user, who is made if there is none (the service must be stopped)
    NewKey {
        /// Name of the user
        user: String,
    },
    /// Copies catalogs, data and settings into a new directory; the service may go on
    Backup {
        /// The directory to make
        #[arg(long)]
        to: PathBuf,
    },
    /// Makes a data directory out of a backup
    Restore {
        /// The backup
        #[arg(long)]
        from: PathBuf,
    },
    /// Looks whether the catalogs can be read and all files are there (the service must be stopped)
    Check,
}

/// Runs the command.
pub async fn run(args: AdminArgs) -> Result<()> {
    let config = Config::load(ServeArgs {
        data_dir: args.data_dir,
        ..ServeArgs::default()
    })?;
    match args.command {
        AdminCommand::Credentials { new_access_key } => credentials(&config, new_access_key),
        AdminCommand::Users => users::list(&config).await,
        AdminCommand::NewKey { user } => users::new_key(&config, &user).await,
        AdminCommand::Backup { to } => backup::backup(&config.data_dir, &to).await,
        AdminCommand::Restore { from } => backup::restore(&from, &config.data_dir).await,
        AdminCommand::Check => {
            let dir = existing(&config)?;
            check::check(dir.root()).await
        }
    }
}

/// The data directory, which must be there, locked.
fn existing(config: &Config) -> Result<DataDir> {
    if !config.data_dir.join("namespace.json").exists() {
        anyhow::bail!(
            "{} is no data directory of Longwave; name it with --data-dir",
            config.data_dir.display()
        );
    }
    DataDir::open(&config.data_dir)
}

fn credentials(config: &Config, new_access_key: bool) -> Result<()> {
    let credentials = match new_access_key {
        true => Credentials::with_new_access_key(&existing(config)?, config)?,
        false => Credentials::kept(&config.data_dir)?,
    };
    println!("admin user         {}", credentials.admin_user);
    println!("admin password     {}", credentials.admin_password);
    println!("access key id      {}", credentials.access_key_id);
    println!("secret access key  {}", credentials.secret_access_key);
    if new_access_key {
        println!("The key before is not good any more.");
    }
    Ok(())
}
