//! The first start: the namespace and the workgroup `default`, which the process serves already.

use std::sync::Arc;

use lw_aws_model::ApiError;

use super::rules;
use super::state::{Founded, Gate, Namespace, Setup, Workgroup};
use crate::Control;

const NAME: &str = "default";

/// Records them, once. What the operator chose by flags (port, admin) is taken over at every start.
pub async fn found(control: &Arc<Control>) -> Result<(), ApiError> {
    let config = &control.config;
    let mut txn = control.records.begin().await;
    let now = control.clock.now();
    if txn.get::<Founded>(NAME).is_none() {
        txn.put(Founded { at: now })?;
        txn.put(Namespace {
            name: NAME.into(),
            uuid: config.default_namespace.clone(),
            created: now,
            database: "dev".into(),
            admin_user: config.admin_user.clone(),
            admin_secret: None,
            admin_secret_key: None,
            kms_key: None,
            default_role: None,
            roles: Vec::new(),
            log_exports: Vec::new(),
            creator: None,
            pending: None,
        })?;
        txn.put(Workgroup {
            name: NAME.into(),
            // Known before it is recorded: rules and scripts may name the ARN in advance.
            uuid: config.default_namespace.clone(),
            namespace: NAME.into(),
            namespace_id: config.default_namespace.clone(),
            created: now,
            setup: Setup {
                base_capacity: rules::USUAL_CAPACITY,
                max_capacity: None,
                port: config.sql_port,
                // The operator's own: queries of the default workgroup are not cut off.
                parameters: vec![("max_query_execution_time".into(), "0".into())],
                enhanced_vpc_routing: false,
                publicly_accessible: true,
                security_groups: Vec::new(),
                subnets: Vec::new(),
                ip_address_type: None,
                track: None,
                price_performance: None,
                extra_compute: None,
            },
            gate: Gate::default(),
            address: Some((config.sql_host.clone(), config.sql_port)),
            pending: None,
        })?;
    } else {
        let port = config.sql_port;
        let known = txn.get::<Workgroup>(NAME);
        if known.is_some_and(|w| w.namespace_id == config.default_namespace && w.setup.port != port)
        {
            txn.update::<Workgroup>(NAME, |workgroup| workgroup.setup.port = port)?;
        }
    }
    txn.commit().await
}
