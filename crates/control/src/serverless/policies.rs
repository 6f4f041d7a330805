//! Resource policies: who else may restore a snapshot, or reach a workgroup by an endpoint of their own
//! (guide L1363-1518, L2472-2478).

use std::collections::BTreeSet;

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    DeleteResourcePolicyRequest, DeleteResourcePolicyResponse, GetResourcePolicyRequest,
    GetResourcePolicyResponse, PutResourcePolicyRequest, PutResourcePolicyResponse,
    ResourcePolicy as Shown, errors, op,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::resources::{self, Resource};
use crate::Call;
use crate::records::{Record, Txn, View};
use crate::registry::{Depth, Registry};

/// The policy of a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResourcePolicy {
    /// ARN of the resource.
    pub arn: String,
    /// The document, as it was given.
    pub policy: String,
}

impl Record for ResourcePolicy {
    const KIND: &'static str = "serverless.resource-policy";
    fn id(&self) -> String {
        self.arn.clone()
    }
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::PutResourcePolicy, Depth::Full, put);
    registry.serve(op::GetResourcePolicy, Depth::Full, get);
    registry.serve(op::DeleteResourcePolicy, Depth::Full, delete);
}

/// Deletes the policy of a resource that is deleted.
pub fn forget(txn: &mut Txn, arn: &str) {
    if txn.get::<ResourcePolicy>(arn).is_some() {
        txn.delete::<ResourcePolicy>(arn);
    }
}

fn several(value: Option<&Json>) -> Vec<&str> {
    match value {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(all)) => all.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn statements(document: &Json) -> Vec<&Json> {
    match document.get("Statement") {
        Some(Json::Array(all)) => all.iter().collect(),
        Some(one @ Json::Object(_)) => vec![one],
        _ => Vec::new(),
    }
}

/// The accounts that the policy of a resource allows something.
pub fn accounts(view: &View, arn: &str) -> Vec<String> {
    let Some(kept) = view.get::<ResourcePolicy>(arn) else {
        return Vec::new();
    };
    let Ok(document) = serde_json::from_str::<Json>(&kept.policy) else {
        return Vec::new();
    };
    let mut all = BTreeSet::new();
    for statement in statements(&document) {
        if statement.get("Effect").and_then(Json::as_str) != Some("Allow") {
            continue;
        }
        let principal = statement.get("Principal");
        for one in several(principal.and_then(|p| p.get("AWS")).or(principal)) {
            // An account's id, or an ARN of it.
            let account = one.split(':').nth(4).unwrap_or(one);
            if account.len() == 12 && account.chars().all(|c| c.is_ascii_digit()) {
                all.insert(account.to_string());
            }
        }
    }
    all.into_iter().collect()
}

fn check(policy: &str) -> Result<(), ApiError> {
    let fail = |why: &str| {
        Err(errors::validation_exception(format!(
            "The resource policy is not valid: {why}."
        )))
    };
    let Ok(document) = serde_json::from_str::<Json>(policy) else {
        return fail("it is not JSON");
    };
    let all = statements(&document);
    if all.is_empty() {
        return fail("it has no statement");
    }
    for statement in all {
        if !matches!(
            statement.get("Effect").and_then(Json::as_str),
            Some("Allow" | "Deny")
        ) {
            return fail("Effect must be Allow or Deny");
        }
        if statement.get("Principal").is_none() && statement.get("NotPrincipal").is_none() {
            return fail("a statement has no Principal");
        }
        let actions = several(statement.get("Action"));
        if actions.is_empty() {
            return fail("a statement has no Action");
        }
        if let Some(action) = actions
            .iter()
            .find(|action| **action != "*" && !action.starts_with("redshift-serverless:"))
        {
            return fail(&format!(
                "the action {action} is not of redshift-serverless"
            ));
        }
    }
    Ok(())
}

async fn put(
    call: Call,
    input: PutResourcePolicyRequest,
) -> Result<PutResourcePolicyResponse, ApiError> {
    check(&input.policy)?;
    let mut txn = call.begin().await;
    match resources::exists(&call.view(), call.config(), &input.resource_arn)? {
        Resource::Snapshot(_) | Resource::Workgroup(_) => {}
        _ => {
            return Err(errors::validation_exception(
                "Resource policies can be put on snapshots and workgroups.",
            ));
        }
    }
    txn.put(ResourcePolicy {
        arn: input.resource_arn.clone(),
        policy: input.policy.clone(),
    })?;
    txn.commit().await?;
    Ok(PutResourcePolicyResponse {
        resource_policy: Some(Shown {
            policy: Some(input.policy),
            resource_arn: Some(input.resource_arn),
        }),
    })
}

fn none(arn: &str) -> ApiError {
    errors::resource_not_found_exception(format!("The resource {arn} has no resource policy."))
        .with("resourceName", arn)
}

async fn get(
    call: Call,
    input: GetResourcePolicyRequest,
) -> Result<GetResourcePolicyResponse, ApiError> {
    let view = call.view();
    resources::exists(&view, call.config(), &input.resource_arn)?;
    let kept = view
        .get::<ResourcePolicy>(&input.resource_arn)
        .ok_or_else(|| none(&input.resource_arn))?;
    Ok(GetResourcePolicyResponse {
        resource_policy: Some(Shown {
            policy: Some(kept.policy.clone()),
            resource_arn: Some(kept.arn.clone()),
        }),
    })
}

async fn delete(
    call: Call,
    input: DeleteResourcePolicyRequest,
) -> Result<DeleteResourcePolicyResponse, ApiError> {
    let mut txn = call.begin().await;
    if txn.get::<ResourcePolicy>(&input.resource_arn).is_none() {
        return Err(none(&input.resource_arn));
    }
    txn.delete::<ResourcePolicy>(&input.resource_arn);
    txn.commit().await?;
    Ok(DeleteResourcePolicyResponse::default())
}
