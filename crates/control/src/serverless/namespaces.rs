//! Operations of namespaces.

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    CreateNamespaceRequest, CreateNamespaceResponse, DeleteNamespaceRequest,
    DeleteNamespaceResponse, GetNamespaceRequest, GetNamespaceResponse, ListNamespacesRequest,
    ListNamespacesResponse, UpdateNamespaceRequest, UpdateNamespaceResponse, errors, op,
};
use lw_policy::{Request, Resource};
use lw_services::warehouses::NamespaceSpec;

use super::paging::page;
use super::state::{Namespace, NamespaceWork, OWNED_KEY};
use super::{
    admin, events, idle, namespace, restoring_table, rules, snapshots, tags, whole, work_id,
    workgroup_of,
};
use crate::Call;
use crate::identity::authorize;
use crate::registry::{Depth, Registry};
use crate::secrets::managed;

pub fn register(registry: &mut Registry) {
    registry.serve(
        op::CreateNamespace,
        Depth::Partly("kmsKeyId, logExports"),
        create,
    );
    registry.serve(
        op::UpdateNamespace,
        Depth::Partly("kmsKeyId, logExports"),
        update,
    );
    registry.serve(op::GetNamespace, Depth::Full, get);
    registry.serve(op::ListNamespaces, Depth::Full, list);
    registry.serve(op::DeleteNamespace, Depth::Full, delete);
}

/// Name of the admin user if the caller gives none.
const ADMIN: &str = "admin";

fn role(arn: &str) -> Result<(), ApiError> {
    let mut parts = arn.splitn(6, ':');
    let good = parts.next() == Some("arn")
        && parts.next().is_some_and(|p| p.starts_with("aws"))
        && parts.next() == Some("iam")
        && arn.contains(":role/");
    if good {
        return Ok(());
    }
    Err(errors::validation_exception(format!(
        "Invalid IAM role ARN: {arn}."
    )))
}

fn roles(given: Option<&[String]>, default: Option<&str>) -> Result<(), ApiError> {
    for arn in given.into_iter().flatten() {
        role(arn)?;
    }
    match default {
        Some(arn) if !arn.is_empty() => {
            role(arn)?;
            if given.is_some_and(|all| !all.iter().any(|r| r == arn)) {
                return Err(errors::validation_exception(
                    "The default IAM role must be one of the IAM roles of the namespace.",
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Who gives roles to a namespace must be allowed to pass them on.
fn pass_roles(call: &Call, roles: &[String]) -> Result<(), ApiError> {
    for role in roles {
        authorize(
            call,
            Request::new("iam:PassRole", [Resource::new(role.as_str())])
                .with("iam:PassedToService", "redshift.amazonaws.com"),
        )?;
    }
    Ok(())
}

/// The key that a caller names; the one that AWS owns is none.
fn key(given: Option<String>) -> Option<String> {
    given.filter(|key| !key.is_empty() && key != OWNED_KEY)
}

async fn create(
    call: Call,
    input: CreateNamespaceRequest,
) -> Result<CreateNamespaceResponse, ApiError> {
    let managed = input.manage_admin_password == Some(true);
    if managed && input.admin_user_password.is_some() {
        return Err(errors::validation_exception(
            "You can't use adminUserPassword if manageAdminPassword is true.",
        ));
    }
    if !managed && input.admin_password_secret_kms_key_id.is_some() {
        return Err(errors::validation_exception(
            "adminPasswordSecretKmsKeyId needs manageAdminPassword.",
        ));
    }
    if input.redshift_idc_application_arn.is_some() {
        return Err(ApiError::unsupported("redshiftIdcApplicationArn"));
    }
    if input.admin_username.is_some() && input.admin_user_password.is_none() && !managed {
        return Err(errors::validation_exception(
            "Specify adminUserPassword with adminUsername.",
        ));
    }
    if let Some(password) = &input.admin_user_password {
        rules::password(password)?;
    }
    let admin_user = input.admin_username.unwrap_or_else(|| ADMIN.into());
    rules::admin_user(&admin_user)?;
    let database = input
        .db_name
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "dev".into());
    rules::database(&database)?;
    roles(
        Some(input.iam_roles.as_deref().unwrap_or_default()),
        input.default_iam_role_arn.as_deref(),
    )?;
    pass_roles(&call, input.iam_roles.as_deref().unwrap_or_default())?;
    let secret_key = input.admin_password_secret_kms_key_id;
    if managed {
        managed::may_manage(&call, &input.namespace_name, secret_key.as_deref())?;
    }
    let mut made = Namespace {
        name: input.namespace_name,
        uuid: uuid::Uuid::new_v4().to_string(),
        created: call.now(),
        database,
        admin_user,
        admin_secret: None,
        admin_secret_key: None,
        kms_key: key(input.kms_key_id),
        default_role: input.default_iam_role_arn.filter(|r| !r.is_empty()),
        roles: input.iam_roles.unwrap_or_default(),
        log_exports: input.log_exports.unwrap_or_default(),
        creator: Some(call.caller.arn.clone()),
        pending: Some(NamespaceWork::Make),
    };
    let (given_tags, mut admin_password) = (input.tags, input.admin_user_password);
    whole(async move {
        let arn = made.arn(call.config());
        let mut txn = call.begin().await;
        if txn.get::<Namespace>(&made.name).is_some() {
            return Err(errors::conflict_exception(format!(
                "Namespace {} already exists.",
                made.name
            )));
        }
        if txn.count::<Namespace>() >= rules::MOST {
            return Err(errors::validation_exception(format!(
                "The account has {} namespaces already, which is its quota.",
                rules::MOST
            )));
        }
        tags::add(&mut txn, &arn, given_tags.as_deref())?;
        if managed {
            let password = admin::manage(&call.control, &mut txn, &mut made, secret_key)?;
            admin_password = Some(password);
        }
        txn.put(made.clone())?;
        txn.commit().await?;
        // The status CREATING is not among those of a namespace: it is there when the caller hears
        // of it, and a crash before that takes it away (`drive::start`).
        let result = call
            .control
            .provisioner
            .create_namespace(&NamespaceSpec {
                id: made.uuid.clone(),
                database: made.database.clone(),
                admin_user: made.admin_user.clone(),
                admin_password,
                sample_data: false,
                serverless: true,
            })
            .await;
        let mut txn = call.begin().await;
        if let Err(error) = result {
            tags::forget(&mut txn, &arn);
            admin::release(&call.control, &mut txn, &mut made);
            txn.delete::<Namespace>(&made.name);
            txn.commit().await?;
            return Err(ApiError::internal(format!(
                "The namespace could not be made: {error}"
            )));
        }
        let made = Namespace {
            pending: None,
            ..made
        };
        txn.put(made.clone())?;
        txn.commit().await?;
        Ok(CreateNamespaceResponse {
            namespace: Some(made.shown(call.config())),
        })
    })
    .await
}

async fn update(
    call: Call,
    input: UpdateNamespaceRequest,
) -> Result<UpdateNamespaceResponse, ApiError> {
    if input.manage_admin_password == Some(true) {
        if input.admin_user_password.is_some() {
            return Err(errors::validation_exception(
                "You can't use adminUserPassword if manageAdminPassword is true.",
            ));
        }
        managed::may_manage(
            &call,
            &input.namespace_name,
            input.admin_password_secret_kms_key_id.as_deref(),
        )?;
    }
    if input.s3_table_action.is_some() {
        return Err(ApiError::unsupported("s3TableAction"));
    }
    if let Some(password) = &input.admin_user_password {
        rules::password(password)?;
    } else if input.admin_username.is_some() && input.manage_admin_password != Some(true) {
        return Err(errors::validation_exception(
            "Specify adminUserPassword with adminUsername.",
        ));
    }
    if let Some(user) = &input.admin_username {
        rules::admin_user(user)?;
    }
    pass_roles(&call, input.iam_roles.as_deref().unwrap_or_default())?;
    whole(async move {
        let mut txn = call.begin().await;
        let view = call.view();
        let known = namespace(&view, &input.namespace_name)?;
        idle(&view, &known)?;
        if known.kms_key.is_some() && input.kms_key_id.as_deref() == Some(OWNED_KEY) {
            // Guide L2073.
            return Err(errors::validation_exception(
                "A namespace with a customer managed key can't be changed to an AWS owned key.",
            ));
        }
        roles(
            Some(input.iam_roles.as_deref().unwrap_or(&known.roles)),
            input.default_iam_role_arn.as_deref(),
        )?;
        let mut changed = (*known).clone();
        if let Some(user) = input.admin_username {
            changed.admin_user = user;
        }
        if let Some(roles) = input.iam_roles {
            changed.roles = roles;
        }
        if let Some(role) = input.default_iam_role_arn {
            changed.default_role = Some(role).filter(|r| !r.is_empty());
        }
        if let Some(kms_key) = key(input.kms_key_id) {
            changed.kms_key = Some(kms_key);
        }
        if let Some(logs) = input.log_exports {
            changed.log_exports = logs;
        }
        let password = match (input.manage_admin_password, input.admin_user_password) {
            (Some(true), _) => {
                let secret_key = input
                    .admin_password_secret_kms_key_id
                    .or(known.admin_secret_key.clone());
                Some(admin::manage(
                    &call.control,
                    &mut txn,
                    &mut changed,
                    secret_key,
                )?)
            }
            (None, Some(_)) if known.admin_secret.is_some() => {
                return Err(errors::validation_exception(
                    "The admin password is managed. Set manageAdminPassword to false to give one.",
                ));
            }
            (Some(false), None) if known.admin_secret.is_some() => {
                return Err(errors::validation_exception(
                    "Specify adminUserPassword when manageAdminPassword becomes false.",
                ));
            }
            (_, given) => {
                if given.is_some() {
                    admin::release(&call.control, &mut txn, &mut changed);
                }
                given
            }
        };
        // First the effect, which may be repeated, then the record of it.
        if let Some(password) = password {
            call.control
                .provisioner
                .set_admin(&known.uuid, &changed.admin_user, &password)
                .await
                .map_err(|error| {
                    ApiError::internal(format!("The admin user could not be set: {error}"))
                })?;
            events::tell(&call.control, &mut txn, "1016", &known.name, &[])?;
        }
        let shown = changed.shown(call.config());
        txn.put(changed)?;
        txn.commit().await?;
        Ok(UpdateNamespaceResponse { namespace: shown })
    })
    .await
}

async fn get(call: Call, input: GetNamespaceRequest) -> Result<GetNamespaceResponse, ApiError> {
    Ok(GetNamespaceResponse {
        namespace: namespace(&call.view(), &input.namespace_name)?.shown(call.config()),
    })
}

async fn list(
    call: Call,
    input: ListNamespacesRequest,
) -> Result<ListNamespacesResponse, ApiError> {
    let all = call
        .view()
        .list::<Namespace>()
        .into_iter()
        .filter(|n| n.visible())
        .collect();
    let (shown, next_token) = page(
        &call,
        all,
        |n| n.name.clone(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListNamespacesResponse {
        namespaces: shown.iter().map(|n| n.shown(call.config())).collect(),
        next_token,
    })
}

async fn delete(
    call: Call,
    input: DeleteNamespaceRequest,
) -> Result<DeleteNamespaceResponse, ApiError> {
    rules::retention(input.final_snapshot_retention_period)?;
    let mut txn = call.begin().await;
    let view = call.view();
    let known = namespace(&view, &input.namespace_name)?;
    if known.pending.is_some() {
        return Err(errors::conflict_exception(
            "There is an operation running on the namespace. Try deleting the namespace again later.",
        ));
    }
    if let Some(workgroup) = workgroup_of(&view, &known.name) {
        // Guide L2079. Terraform waits on "operation running" while the workgroup is going.
        return Err(errors::conflict_exception(if workgroup.pending.is_some() {
            "There is an operation running on the workgroup of the namespace. Try deleting the namespace again later.".to_string()
        } else {
            format!(
                "Namespace {} has the workgroup {}. Delete the workgroup first.",
                known.name, workgroup.name
            )
        }));
    }
    if restoring_table(&view, &known) {
        return Err(errors::conflict_exception(
            "There is an operation running on the namespace. Try deleting the namespace again later.",
        ));
    }
    if let Some(name) = &input.final_snapshot_name {
        snapshots::ask(
            &call.control,
            &mut txn,
            &known,
            name,
            input.final_snapshot_retention_period,
            None,
        )?;
    }
    let deleting = Namespace {
        pending: Some(NamespaceWork::Delete {
            id: work_id(),
            final_snapshot: input.final_snapshot_name,
        }),
        ..(*known).clone()
    };
    txn.put(deleting.clone())?;
    txn.commit().await?;
    call.drive();
    Ok(DeleteNamespaceResponse {
        namespace: deleting.shown(call.config()),
    })
}
