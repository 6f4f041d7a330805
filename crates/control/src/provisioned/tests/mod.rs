//! Clusters over a provisioner that keeps count: what the tests share.

mod groups;
mod life;
mod rights;
mod snapshots;

pub use std::time::Duration;

pub use lw_aws_model::redshift::*;
pub use lw_services::warehouses::Networks;

pub use super::cluster::ClusterRecord;
pub use super::snapshots::SnapshotRecord;
pub use crate::testing::Bed;

fn wish(id: &str) -> CreateClusterMessage {
    CreateClusterMessage {
        cluster_identifier: id.into(),
        node_type: "ra3.4xlarge".into(),
        number_of_nodes: Some(2),
        master_username: "adminuser".into(),
        master_user_password: Some("TopSecret1".into()),
        ..Default::default()
    }
}

async fn describe(bed: &Bed, id: &str) -> Result<Cluster, lw_aws_model::ApiError> {
    bed.call(
        op::DescribeClusters,
        DescribeClustersMessage {
            cluster_identifier: Some(id.into()),
            ..Default::default()
        },
    )
    .await
    .map(|page| page.clusters.unwrap().remove(0))
}

/// Waits for a status.
async fn until(bed: &Bed, id: &str, status: &str) -> Cluster {
    for _ in 0..500 {
        if let Ok(cluster) = describe(bed, id).await
            && cluster.cluster_status.as_deref() == Some(status)
            && bed
                .control
                .records
                .view()
                .get::<ClusterRecord>(id)
                .is_some_and(|c| c.pending.is_empty())
        {
            return cluster;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!(
        "{id} never was {status}: {:?}",
        describe(bed, id).await.map(|c| c.cluster_status)
    );
}

async fn until_gone(bed: &Bed, id: &str) {
    for _ in 0..500 {
        if let Err(error) = describe(bed, id).await {
            assert_eq!(error.code, "ClusterNotFound");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} is still there");
}

async fn until_snapshot(bed: &Bed, id: &str) -> Snapshot {
    for _ in 0..500 {
        let page = bed
            .call(
                op::DescribeClusterSnapshots,
                DescribeClusterSnapshotsMessage {
                    snapshot_identifier: Some(id.into()),
                    ..Default::default()
                },
            )
            .await;
        if let Ok(page) = page {
            let snapshot = page.snapshots.unwrap().remove(0);
            if snapshot.status.as_deref() == Some("available") {
                return snapshot;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the snapshot {id} never was available");
}

async fn made(bed: &Bed, id: &str) -> Cluster {
    bed.call(op::CreateCluster, wish(id)).await.unwrap();
    until(bed, id, "available").await
}

fn events(bed: &Bed) -> Vec<String> {
    let now = bed.control.clock.now() + chrono::Duration::seconds(1);
    crate::notices::list(
        &bed.control.records.view(),
        now - chrono::Duration::days(1),
        now,
        None,
        None,
    )
    .into_iter()
    .map(|record| record.event.event_id.replace("REDSHIFT-EVENT-", ""))
    .collect()
}
