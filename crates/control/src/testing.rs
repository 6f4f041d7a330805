//! What tests of operations share: a control plane over a provisioner that only keeps count.

#[path = "../tests/fake/mod.rs"]
#[allow(dead_code)]
pub mod fake;

use std::sync::Arc;

use lw_aws_model::edge::{ApiRequest, AwsApi, Caller, CallerKind};
use lw_aws_model::{ApiError, Operation, Shape};
use lw_catalog_sql::SqliteRecords;
use lw_services::warehouses::{NamespaceSpec, Provisioner};

use crate::{Api, Control, ControlConfig};

/// A control plane and what it runs on.
pub struct Bed {
    pub control: Arc<Control>,
    pub fake: Arc<fake::Fake>,
    dir: tempfile::TempDir,
}

pub const NAMESPACE: &str = "00000000-0000-4000-8000-000000000001";

impl Bed {
    /// A new one, started.
    pub async fn new() -> Bed {
        let fake = Arc::new(fake::Fake::default());
        fake.create_namespace(&NamespaceSpec {
            id: NAMESPACE.into(),
            database: "dev".into(),
            admin_user: "awsuser".into(),
            admin_password: None,
            sample_data: false,
            serverless: true,
        })
        .await
        .unwrap();
        Bed::open(tempfile::tempdir().unwrap(), fake).await
    }

    async fn open(dir: tempfile::TempDir, fake: Arc<fake::Fake>) -> Bed {
        let config = ControlConfig {
            account: "123456789012".into(),
            region: "us-east-1".into(),
            root_key_id: "AKIAROOT".into(),
            root_secret: "secret".into(),
            dir: dir.path().to_path_buf(),
            sql_host: "127.0.0.1".into(),
            sql_port: 5439,
            sql_ip: [127, 0, 0, 1].into(),
            default_namespace: NAMESPACE.into(),
            admin_user: "awsuser".into(),
            processors: 2,
            memory_bytes: 1 << 30,
        };
        let records = SqliteRecords::open(&dir.path().join("control.db"))
            .await
            .unwrap();
        let control = Control::open(config, records, fake.clone()).await.unwrap();
        control.start().await;
        Bed { control, fake, dir }
    }

    /// Stops and starts it again over the same records, as after a crash.
    pub async fn reopen(self) -> Bed {
        self.control.stop().await;
        Bed::open(self.dir, self.fake).await
    }

    /// Calls an operation as the root.
    pub async fn call<O: Operation>(
        &self,
        operation: O,
        input: O::Input,
    ) -> Result<O::Output, ApiError> {
        self.call_as(self.root(), operation, input).await
    }

    /// Calls an operation as somebody.
    pub async fn call_as<O: Operation>(
        &self,
        caller: Arc<Caller>,
        _operation: O,
        input: O::Input,
    ) -> Result<O::Output, ApiError> {
        let value = Api(self.control.clone())
            .call(ApiRequest {
                service: O::service().get(),
                operation: O::NAME.into(),
                input: input.into_value(),
                caller,
                request_id: uuid::Uuid::new_v4().to_string(),
                source_ip: None,
                user_agent: "test".into(),
                secure: false,
                presigned: false,
            })
            .await?;
        Ok(O::Output::from_value(value))
    }

    pub fn root(&self) -> Arc<Caller> {
        Arc::new(Caller {
            account: self.control.config.account.clone(),
            arn: self.control.config.iam_arn("root"),
            user_id: self.control.config.account.clone(),
            kind: CallerKind::Root,
            access_key_id: "AKIAROOT".into(),
            expires: None,
            session_policies: vec![],
            tags: Default::default(),
        })
    }
}
