//! IAM users and their keys, for when no key is at hand: through the operations of the API itself, as
//! the root.

use std::net::SocketAddr;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use lw_aws_model::edge::{ApiRequest, AwsApi};
use lw_aws_model::{ApiError, Operation, Shape, iam};
use lw_base::SqlError;
use lw_catalog_sql::SqliteRecords;
use lw_control::{Api, Control, ControlConfig};
use lw_services::SqlService;
use lw_services::warehouses::{
    ComputeSpec, NamespaceSpec, NamespaceUsage, Provisioner, SnapshotUsage, TableRestore,
    TableRestored,
};

use super::existing;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::data_dir::DataDir;

pub async fn list(config: &Config) -> Result<()> {
    let plane = Plane::open(config).await?;
    let users = plane.call(iam::op::ListUsers, Default::default()).await?;
    for user in &users.users {
        println!("{}  {}", user.user_name, user.arn);
        let keys = iam::ListAccessKeysRequest {
            user_name: Some(user.user_name.clone()),
            ..Default::default()
        };
        for key in plane
            .call(iam::op::ListAccessKeys, keys)
            .await?
            .access_key_metadata
        {
            println!(
                "    {}  {}",
                key.access_key_id.unwrap_or_default(),
                key.status.unwrap_or_default()
            );
        }
    }
    if users.users.is_empty() {
        println!("There are no IAM users; `longwave admin new-key NAME` makes one.");
    }
    Ok(())
}

pub async fn new_key(config: &Config, user: &str) -> Result<()> {
    let plane = Plane::open(config).await?;
    let made = iam::CreateUserRequest {
        user_name: user.to_string(),
        ..Default::default()
    };
    match plane.call(iam::op::CreateUser, made).await {
        Ok(_) => println!("user {user} made; it may do nothing until a policy allows it"),
        Err(error) if error.code == "EntityAlreadyExists" => {}
        Err(error) => return Err(error.into()),
    }
    let asked = iam::CreateAccessKeyRequest {
        user_name: Some(user.to_string()),
    };
    let key = plane
        .call(iam::op::CreateAccessKey, asked)
        .await?
        .access_key;
    println!("access key id      {}", key.access_key_id);
    println!("secret access key  {}", key.secret_access_key);
    Ok(())
}

/// The control plane of a directory that is not served.
struct Plane {
    control: Arc<Control>,
    root: String,
    _dir: DataDir,
}

impl Plane {
    async fn open(config: &Config) -> Result<Plane> {
        let dir = existing(config)?;
        let credentials = Credentials::kept(dir.root())?;
        let records = SqliteRecords::open(&dir.root().join("control.db")).await?;
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let control = Control::open(
            ControlConfig {
                account: config.account_id.clone(),
                region: config.region.clone(),
                root_key_id: credentials.access_key_id.clone(),
                root_secret: credentials.secret_access_key,
                dir: dir.root().to_path_buf(),
                sql_host: ip.to_string(),
                sql_port: config.sql_addr.port(),
                sql_ip: ip,
                default_namespace: String::new(),
                admin_user: credentials.admin_user,
                processors: 1,
                memory_bytes: 0,
            },
            records,
            Arc::new(Nothing),
        )
        .await?;
        Ok(Plane {
            control,
            root: credentials.access_key_id,
            _dir: dir,
        })
    }

    async fn call<O: Operation>(&self, _: O, input: O::Input) -> Result<O::Output, ApiError> {
        let api = Api(self.control.clone());
        let key = api.key(&self.root, None).await?;
        let output = api
            .call(ApiRequest {
                service: O::service().get(),
                operation: O::NAME.to_string(),
                input: input.into_value(),
                caller: key.caller,
                request_id: lw_base::random::string(16, b"0123456789abcdef"),
                source_ip: None,
                user_agent: "longwave admin".to_string(),
                secure: true,
                presigned: false,
            })
            .await?;
        Ok(O::Output::from_value(output))
    }
}

/// Runs nothing: users and keys need no warehouse.
struct Nothing;

fn stopped<T>() -> lw_base::Result<T> {
    Err(SqlError::internal("the service is stopped"))
}

#[async_trait]
impl Provisioner for Nothing {
    async fn create_namespace(&self, _: &NamespaceSpec) -> lw_base::Result<()> {
        stopped()
    }
    async fn delete_namespace(&self, _: &str) -> lw_base::Result<()> {
        stopped()
    }
    async fn start(&self, _: &str, _: &ComputeSpec) -> lw_base::Result<SocketAddr> {
        stopped()
    }
    async fn stop(&self, _: &str) -> lw_base::Result<()> {
        stopped()
    }
    async fn sql(&self, _: &str) -> lw_base::Result<Arc<dyn SqlService>> {
        stopped()
    }
    async fn usage(&self, _: &str) -> lw_base::Result<NamespaceUsage> {
        stopped()
    }
    async fn set_admin(&self, _: &str, _: &str, _: &str) -> lw_base::Result<()> {
        stopped()
    }
    async fn restart(&self, _: &str, _: &ComputeSpec) -> lw_base::Result<SocketAddr> {
        stopped()
    }
    async fn snapshot(&self, _: &str, _: &str) -> lw_base::Result<SnapshotUsage> {
        stopped()
    }
    async fn delete_snapshot(&self, _: &str) -> lw_base::Result<()> {
        stopped()
    }
    async fn copy_snapshot(&self, _: &str, _: &str, _: &str) -> lw_base::Result<()> {
        stopped()
    }
    async fn restore(&self, _: &str, _: &str, _: bool) -> lw_base::Result<()> {
        stopped()
    }
    async fn restore_table(
        &self,
        _: &str,
        _: &str,
        _: &TableRestore,
    ) -> lw_base::Result<TableRestored> {
        stopped()
    }
}
