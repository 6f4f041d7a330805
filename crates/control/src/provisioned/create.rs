//! CreateCluster and DescribeClusters (guide L4944-5018, L28910-29166).

use lw_aws_model::ApiError;
use lw_aws_model::redshift::{
    ClustersMessage, CreateClusterMessage, CreateClusterResult, DescribeClustersMessage, errors, op,
};

use super::cluster::{ClusterRecord, Pending, arn, find_cluster};
use super::common::{
    Read, admin_user, cluster_identifier, database, manual_retention, paged, password, some,
};
use super::{
    lifecycle, networks, nodes, options, parameters, rights, secrets, subnets, tags, windows,
};
use crate::Call;
use crate::records::Txn;
use crate::registry::{Depth, Registry};

/// The version that all clusters run.
pub const REVISION: &str = "100000";

pub fn register(registry: &mut Registry) {
    registry.serve(
        op::CreateCluster,
        Depth::Partly("encryption, Multi-AZ, maintenance window and track"),
        create,
    );
    registry.serve(op::DescribeClusters, Depth::Full, describe);
}

/// Would the account have too many nodes with these?
pub fn check_nodes_quota(read: &impl Read, more: i64) -> Result<(), ApiError> {
    // A paused cluster has none.
    let now: i64 = read
        .list::<ClusterRecord>()
        .iter()
        .filter(|cluster| !matches!(cluster.status.as_str(), "paused" | "incompatible-restore"))
        .map(|cluster| cluster.nodes)
        .sum();
    if now + more > nodes::NODES_PER_ACCOUNT {
        return Err(errors::number_of_nodes_quota_exceeded_fault(format!(
            "The request would exceed the quota of {} nodes of all clusters of the account.",
            nodes::NODES_PER_ACCOUNT
        )));
    }
    Ok(())
}

/// Days that automated snapshots are kept: up to 35, and none only without managed storage (L3866).
pub fn automated_retention(days: i64, ra3: bool) -> Result<i64, ApiError> {
    let fewest = i64::from(ra3);
    if (fewest..=35).contains(&days) {
        return Ok(days);
    }
    Err(errors::invalid_retention_period_fault(format!(
        "Invalid backup retention period {days}: it must be between {fewest} and 35."
    )))
}

/// The port of a cluster. Managed storage takes two ranges only when relocation or Multi-AZ is on (L3703,
/// L4560); any port from 1150 to 65535 otherwise.
pub fn port(given: Option<i64>, strict: bool) -> Result<u16, ApiError> {
    let port = given.unwrap_or(5439);
    let fits = if strict {
        matches!(port, 5431..=5455 | 8191..=8215)
    } else {
        (1150..=65_535).contains(&port)
    };
    if !fits {
        let ranges = if strict {
            "5431-5455 or 8191-8215"
        } else {
            "1150-65535"
        };
        return Err(ApiError::validation(format!(
            "Invalid port {port}. Valid values: {ranges}."
        )));
    }
    Ok(port as u16)
}

/// Writes a new cluster's record: what creation and restoring share.
pub fn put_new(txn: &mut Txn, cluster: &ClusterRecord) -> Result<(), ApiError> {
    if txn.get::<ClusterRecord>(&cluster.id).is_some() {
        return Err(errors::cluster_already_exists_fault(
            "Cluster already exists",
        ));
    }
    check_nodes_quota(txn, cluster.nodes)?;
    txn.put(cluster.clone())
}

async fn create(call: Call, input: CreateClusterMessage) -> Result<CreateClusterResult, ApiError> {
    let config = call.config();
    let id = cluster_identifier("ClusterIdentifier", &input.cluster_identifier)?;
    let node = nodes::find(&input.node_type)?;
    let count = nodes::count(input.cluster_type.as_deref(), input.number_of_nodes, None)?;
    node.check_count(count)?;
    let admin = admin_user(&input.master_username)?;
    let managed = input.manage_master_password == Some(true);
    check_password(input.master_user_password.as_deref(), managed)?;
    let database = match some(input.db_name) {
        Some(name) => database(&name)?,
        None => "dev".into(),
    };
    let relocation = input.availability_zone_relocation == Some(true);
    let multi_az = input.multi_az == Some(true);
    let encrypted = input.encrypted == Some(true) || input.kms_key_id.is_some();
    if input.encrypted == Some(false) && input.kms_key_id.is_some() {
        return Err(ApiError::combination(
            "KmsKeyId cannot be specified when Encrypted is false.",
        ));
    }
    let port = port(input.port, relocation || multi_az)?;
    options::version(input.cluster_version.as_deref())?;
    let track = options::track(input.maintenance_track_name.as_deref())?;
    let sample_data = sample_data(input.load_sample_data)?;
    let vpc_security_groups = networks::vpc_security_groups(input.vpc_security_group_ids)?;
    let iam_roles = options::iam_roles(input.iam_roles)?;
    rights::pass_roles(&call, &iam_roles)?;
    let automated = automated_retention(
        input.automated_snapshot_retention_period.unwrap_or(1),
        node.ra3,
    )?;
    let manual = manual_retention(input.manual_snapshot_retention_period, -1)?;
    let namespace = uuid::Uuid::new_v4().to_string();
    let window = match some(input.preferred_maintenance_window) {
        Some(text) => windows::parse(&text)?,
        None => windows::assigned(&config.region, &namespace),
    };
    let zone = options::zone(input.availability_zone, &config.region, &namespace)?;

    let mut txn = call.begin().await;
    let security_groups = networks::chosen_security_groups(
        &txn,
        input.cluster_security_groups,
        &vpc_security_groups,
    )?;
    let subnet_group = subnets::chosen_subnet_group(&txn, some(input.cluster_subnet_group_name))?;
    let parameter_group =
        parameters::chosen(&txn, some(input.cluster_parameter_group_name).as_deref())?;
    options::hsm(
        &txn,
        &input.hsm_client_certificate_identifier,
        &input.hsm_configuration_identifier,
    )?;
    let schedule = options::schedule(&txn, some(input.snapshot_schedule_identifier))?;
    if multi_az {
        options::check_multi_az(&txn, node, count, encrypted, &subnet_group)?;
    }
    if relocation && !node.ra3 {
        return Err(errors::unsupported_operation_fault(
            "Availability zone relocation is supported by RA3 node types only.",
        ));
    }
    let mut cluster = ClusterRecord {
        id: id.clone(),
        namespace,
        created: call.now(),
        node_type: node.name.into(),
        nodes: count,
        base_nodes: count,
        slices: node.slices * count as usize,
        admin,
        database,
        port,
        auto_retention: automated,
        manual_retention: manual,
        security_groups,
        vpc_security_groups,
        settings: parameters::settings(&txn, &parameter_group),
        parameter_group,
        parameters_status: "in-sync".into(),
        subnet_group,
        zone,
        window,
        revision: REVISION.into(),
        allow_upgrade: input.allow_version_upgrade.unwrap_or(true),
        public: input.publicly_accessible.unwrap_or(false),
        encrypted,
        kms_key: options::kms_key(encrypted, input.kms_key_id, config),
        enhanced_routing: input.enhanced_vpc_routing == Some(true),
        default_role: some(input.default_iam_role_arn),
        iam_roles,
        track,
        relocation,
        multi_az,
        elastic_ip: some(input.elastic_ip),
        hsm_certificate: input.hsm_client_certificate_identifier,
        hsm_configuration: input.hsm_configuration_identifier,
        ip_type: options::ip_type(input.ip_address_type)?,
        schedule,
        extra_compute: input.extra_compute_for_automatic_optimization == Some(true),
        idc_application: input.redshift_idc_application_arn,
        ..ClusterRecord::default()
    };
    let password = if managed {
        Some(secrets::manage(
            &call,
            &mut txn,
            &mut cluster,
            input.master_password_secret_kms_key_id,
        )?)
    } else {
        input.master_user_password
    };
    cluster.pending_values.0.master_user_password = Some("****".into());
    cluster.push(Pending::Create {
        password,
        sample_data,
    });
    put_new(&mut txn, &cluster)?;
    tags::set(&mut txn, &arn(config, &id), input.tags)?;
    let shown = cluster.shown(&txn, &call.control);
    txn.commit().await?;
    lifecycle::drive(&call.control, &cluster.namespace);
    Ok(CreateClusterResult {
        cluster: Some(shown),
    })
}

/// A password is given, or managed: one of the two.
fn check_password(given: Option<&str>, managed: bool) -> Result<(), ApiError> {
    match (given, managed) {
        (Some(given), false) => password("MasterUserPassword", given),
        (None, true) => Ok(()),
        (Some(_), true) => Err(ApiError::combination(
            "MasterUserPassword cannot be specified when ManageMasterPassword is true.",
        )),
        (None, false) => Err(ApiError::validation(
            "The parameter MasterUserPassword must be provided, or ManageMasterPassword be true.",
        )),
    }
}

/// LoadSampleData: TICKIT, or nothing.
fn sample_data(given: Option<String>) -> Result<bool, ApiError> {
    match some(given).as_deref() {
        None => Ok(false),
        Some(word) if word.eq_ignore_ascii_case("tickit") => Ok(true),
        Some(other) => Err(ApiError::validation(format!(
            "Invalid LoadSampleData: {other}. Valid value: TICKIT."
        ))),
    }
}

async fn describe(call: Call, input: DescribeClustersMessage) -> Result<ClustersMessage, ApiError> {
    let view = call.view();
    let all = match some(input.cluster_identifier) {
        Some(id) => vec![find_cluster(&view, &id)?],
        None => Read::list::<ClusterRecord>(&view),
    };
    let all = all
        .into_iter()
        .filter(|cluster| {
            tags::matches(
                &view,
                &arn(call.config(), &cluster.id),
                &input.tag_keys,
                &input.tag_values,
            )
        })
        .collect();
    let (page, marker) = paged(all, &input.marker, input.max_records)?;
    Ok(ClustersMessage {
        marker,
        clusters: Some(
            page.iter()
                .map(|cluster| cluster.shown(&view, &call.control))
                .collect(),
        ),
    })
}
