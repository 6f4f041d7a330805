//! Hardware security modules (guide L19607-19635): records. No node type that is still sold supports one,
//! so no cluster can use them.

use lw_aws_model::redshift::{
    CreateHsmClientCertificateMessage, CreateHsmClientCertificateResult,
    CreateHsmConfigurationMessage, CreateHsmConfigurationResult, DeleteHsmClientCertificateMessage,
    DeleteHsmConfigurationMessage, DescribeHsmClientCertificatesMessage,
    DescribeHsmConfigurationsMessage, HsmClientCertificate as ShownCertificate,
    HsmClientCertificateMessage, HsmConfiguration as ShownConfiguration, HsmConfigurationMessage,
    errors, op,
};
use lw_aws_model::{ApiError, Nothing};
use serde::{Deserialize, Serialize};

use super::common::{Read, identifier, paged, some};
use super::tags;
use crate::records::Record;
use crate::registry::{Depth, Registry};
use crate::{Call, ControlConfig};

/// A client certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HsmCertificate {
    pub name: String,
    pub public_key: String,
}

impl Record for HsmCertificate {
    const KIND: &'static str = "redshift.hsm-certificate";
    fn id(&self) -> String {
        self.name.clone()
    }
}

/// A connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HsmConfiguration {
    pub name: String,
    pub description: String,
    pub address: String,
    pub partition: String,
}

impl Record for HsmConfiguration {
    const KIND: &'static str = "redshift.hsm-configuration";
    fn id(&self) -> String {
        self.name.clone()
    }
}

const QUOTA: usize = 20;
const WHY: &str = "no node type supports an HSM, so no cluster can use one";

pub fn register(registry: &mut Registry) {
    registry.serve(
        op::CreateHsmClientCertificate,
        Depth::Record(WHY),
        create_certificate,
    );
    registry.serve(
        op::DeleteHsmClientCertificate,
        Depth::Record(WHY),
        delete_certificate,
    );
    registry.serve(
        op::DescribeHsmClientCertificates,
        Depth::Record(WHY),
        describe_certificates,
    );
    registry.serve(
        op::CreateHsmConfiguration,
        Depth::Record(WHY),
        create_configuration,
    );
    registry.serve(
        op::DeleteHsmConfiguration,
        Depth::Record(WHY),
        delete_configuration,
    );
    registry.serve(
        op::DescribeHsmConfigurations,
        Depth::Record(WHY),
        describe_configurations,
    );
}

fn certificate_arn(config: &ControlConfig, name: &str) -> String {
    config.arn("redshift", format_args!("hsmclientcertificate:{name}"))
}

fn configuration_arn(config: &ControlConfig, name: &str) -> String {
    config.arn("redshift", format_args!("hsmconfiguration:{name}"))
}

fn shown_certificate(read: &impl Read, call: &Call, held: &HsmCertificate) -> ShownCertificate {
    ShownCertificate {
        hsm_client_certificate_identifier: Some(held.name.clone()),
        hsm_client_certificate_public_key: Some(held.public_key.clone()),
        tags: Some(tags::of(read, &certificate_arn(call.config(), &held.name))),
    }
}

fn shown_configuration(
    read: &impl Read,
    call: &Call,
    held: &HsmConfiguration,
) -> ShownConfiguration {
    ShownConfiguration {
        hsm_configuration_identifier: Some(held.name.clone()),
        description: Some(held.description.clone()),
        hsm_ip_address: Some(held.address.clone()),
        hsm_partition_name: Some(held.partition.clone()),
        tags: Some(tags::of(
            read,
            &configuration_arn(call.config(), &held.name),
        )),
    }
}

async fn create_certificate(
    call: Call,
    input: CreateHsmClientCertificateMessage,
) -> Result<CreateHsmClientCertificateResult, ApiError> {
    let name = identifier(
        "HsmClientCertificateIdentifier",
        &input.hsm_client_certificate_identifier,
        63,
    )?;
    let mut txn = call.begin().await;
    if txn.get::<HsmCertificate>(&name).is_some() {
        return Err(errors::hsm_client_certificate_already_exists_fault(
            format!("HSM client certificate {name} already exists."),
        ));
    }
    if txn.count::<HsmCertificate>() >= QUOTA {
        return Err(errors::hsm_client_certificate_quota_exceeded_fault(
            format!("The quota of {QUOTA} HSM client certificates is reached."),
        ));
    }
    // The key pair would be the service's own, made and kept by it. As no cluster can connect, only an
    // identity that the account could register is shown.
    let held = HsmCertificate {
        name: name.clone(),
        public_key: format!("longwave-hsm-client/{}", uuid::Uuid::new_v4()),
    };
    txn.put(held.clone())?;
    tags::set(&mut txn, &certificate_arn(call.config(), &name), input.tags)?;
    let shown = shown_certificate(&txn, &call, &held);
    txn.commit().await?;
    Ok(CreateHsmClientCertificateResult {
        hsm_client_certificate: Some(shown),
    })
}

async fn delete_certificate(
    call: Call,
    input: DeleteHsmClientCertificateMessage,
) -> Result<Nothing, ApiError> {
    let name = input.hsm_client_certificate_identifier.to_ascii_lowercase();
    let mut txn = call.begin().await;
    if txn.get::<HsmCertificate>(&name).is_none() {
        return Err(errors::hsm_client_certificate_not_found_fault(format!(
            "HSM client certificate {name} not found."
        )));
    }
    txn.delete::<HsmCertificate>(&name);
    tags::forget(&mut txn, &certificate_arn(call.config(), &name));
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe_certificates(
    call: Call,
    input: DescribeHsmClientCertificatesMessage,
) -> Result<HsmClientCertificateMessage, ApiError> {
    let view = call.view();
    let wanted =
        some(input.hsm_client_certificate_identifier).map(|name| name.to_ascii_lowercase());
    let all: Vec<_> = Read::list::<HsmCertificate>(&view)
        .into_iter()
        .filter(|held| wanted.as_ref().is_none_or(|name| *name == held.name))
        .filter(|held| {
            tags::matches(
                &view,
                &certificate_arn(call.config(), &held.name),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    if let (Some(name), true) = (&wanted, all.is_empty()) {
        return Err(errors::hsm_client_certificate_not_found_fault(format!(
            "HSM client certificate {name} not found."
        )));
    }
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(HsmClientCertificateMessage {
        marker,
        hsm_client_certificates: Some(
            page.iter()
                .map(|held| shown_certificate(&view, &call, held))
                .collect(),
        ),
    })
}

async fn create_configuration(
    call: Call,
    input: CreateHsmConfigurationMessage,
) -> Result<CreateHsmConfigurationResult, ApiError> {
    let name = identifier(
        "HsmConfigurationIdentifier",
        &input.hsm_configuration_identifier,
        63,
    )?;
    let mut txn = call.begin().await;
    if txn.get::<HsmConfiguration>(&name).is_some() {
        return Err(errors::hsm_configuration_already_exists_fault(format!(
            "HSM configuration {name} already exists."
        )));
    }
    if txn.count::<HsmConfiguration>() >= QUOTA {
        return Err(errors::hsm_configuration_quota_exceeded_fault(format!(
            "The quota of {QUOTA} HSM configurations is reached."
        )));
    }
    // The partition's password and the server's certificate would serve to connect, which nothing does:
    // they are not kept.
    let held = HsmConfiguration {
        name: name.clone(),
        description: input.description,
        address: input.hsm_ip_address,
        partition: input.hsm_partition_name,
    };
    txn.put(held.clone())?;
    tags::set(
        &mut txn,
        &configuration_arn(call.config(), &name),
        input.tags,
    )?;
    let shown = shown_configuration(&txn, &call, &held);
    txn.commit().await?;
    Ok(CreateHsmConfigurationResult {
        hsm_configuration: Some(shown),
    })
}

async fn delete_configuration(
    call: Call,
    input: DeleteHsmConfigurationMessage,
) -> Result<Nothing, ApiError> {
    let name = input.hsm_configuration_identifier.to_ascii_lowercase();
    let mut txn = call.begin().await;
    if txn.get::<HsmConfiguration>(&name).is_none() {
        return Err(errors::hsm_configuration_not_found_fault(format!(
            "HSM configuration {name} not found."
        )));
    }
    txn.delete::<HsmConfiguration>(&name);
    tags::forget(&mut txn, &configuration_arn(call.config(), &name));
    txn.commit().await?;
    Ok(Nothing)
}

async fn describe_configurations(
    call: Call,
    input: DescribeHsmConfigurationsMessage,
) -> Result<HsmConfigurationMessage, ApiError> {
    let view = call.view();
    let wanted = some(input.hsm_configuration_identifier).map(|name| name.to_ascii_lowercase());
    let all: Vec<_> = Read::list::<HsmConfiguration>(&view)
        .into_iter()
        .filter(|held| wanted.as_ref().is_none_or(|name| *name == held.name))
        .filter(|held| {
            tags::matches(
                &view,
                &configuration_arn(call.config(), &held.name),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    if let (Some(name), true) = (&wanted, all.is_empty()) {
        return Err(errors::hsm_configuration_not_found_fault(format!(
            "HSM configuration {name} not found."
        )));
    }
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(HsmConfigurationMessage {
        marker,
        hsm_configurations: Some(
            page.iter()
                .map(|held| shown_configuration(&view, &call, held))
                .collect(),
        ),
    })
}
