//! Node types (guide L2846-2891): what a node has, how many a cluster may have, how far an elastic resize
//! goes (L3453-3466).

use lw_aws_model::ApiError;
use lw_aws_model::redshift::errors;

/// A type of node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NodeType {
    /// Its name.
    pub name: &'static str,
    /// Memory of a node, GiB.
    pub ram_gib: u64,
    /// Slices of a node at creation.
    pub slices: usize,
    /// Storage of a node of a cluster of several, GB.
    pub storage_gb: i64,
    /// Storage of a single node, GB.
    pub storage_single_gb: i64,
    /// Fewest nodes.
    pub min: i64,
    /// Most nodes at creation.
    pub max: i64,
    /// Most nodes after an elastic resize.
    pub elastic_max: i64,
    /// How many times larger an elastic resize may make a cluster.
    pub growth: i64,
    /// How many times smaller.
    pub shrink: i64,
    /// Connections at one time (L28013-28014).
    pub connections: usize,
    /// Managed storage.
    pub ra3: bool,
}

const fn node(
    name: &'static str,
    ram_gib: u64,
    slices: usize,
    storage: (i64, i64),
    (min, max, elastic_max): (i64, i64, i64),
    (growth, shrink): (i64, i64),
    connections: usize,
) -> NodeType {
    NodeType {
        name,
        ram_gib,
        slices,
        storage_gb: storage.0,
        storage_single_gb: storage.1,
        min,
        max,
        elastic_max,
        growth,
        shrink,
        connections,
        ra3: name.as_bytes()[0] == b'r',
    }
}

/// All of them. The older ones stay because scripts name them (L2881-2887).
pub const TYPES: &[NodeType] = &[
    node(
        "ra3.large",
        16,
        2,
        (8_192, 1_024),
        (1, 16, 32),
        (2, 4),
        2000,
    ),
    node(
        "ra3.xlplus",
        32,
        2,
        (32_768, 4_096),
        (1, 16, 32),
        (2, 4),
        2000,
    ),
    node(
        "ra3.4xlarge",
        96,
        4,
        (131_072, 131_072),
        (2, 32, 64),
        (4, 4),
        2000,
    ),
    node(
        "ra3.16xlarge",
        384,
        16,
        (131_072, 131_072),
        (2, 128, 128),
        (4, 4),
        2000,
    ),
    node("dc2.large", 15, 2, (160, 160), (1, 32, 32), (2, 2), 500),
    node(
        "dc2.8xlarge",
        244,
        16,
        (2_560, 2_560),
        (2, 128, 128),
        (2, 2),
        2000,
    ),
    node("dc1.large", 15, 2, (160, 160), (1, 32, 32), (2, 2), 500),
    node(
        "dc1.8xlarge",
        244,
        32,
        (2_560, 2_560),
        (2, 128, 128),
        (2, 2),
        2000,
    ),
    node(
        "ds2.xlarge",
        31,
        2,
        (2_048, 2_048),
        (1, 32, 32),
        (2, 2),
        500,
    ),
    node(
        "ds2.8xlarge",
        244,
        16,
        (16_384, 16_384),
        (2, 128, 128),
        (2, 2),
        2000,
    ),
];

/// Nodes of all clusters of an account (L27977).
pub const NODES_PER_ACCOUNT: i64 = 200;

/// The type with this name, old names included.
pub fn find(name: &str) -> Result<&'static NodeType, ApiError> {
    let lower = name.to_ascii_lowercase();
    let known = match lower.as_str() {
        "ds1.xlarge" | "dw.hs1.xlarge" | "dw1.xlarge" => "ds2.xlarge",
        "ds1.8xlarge" | "dw.hs1.8xlarge" | "dw1.8xlarge" => "ds2.8xlarge",
        "dw2.large" => "dc1.large",
        "dw2.8xlarge" => "dc1.8xlarge",
        other => other,
    };
    TYPES
        .iter()
        .find(|node| node.name == known)
        .ok_or_else(|| ApiError::validation(format!("Invalid node type: {name}")))
}

impl NodeType {
    /// Bytes a cluster can hold, in MB.
    pub fn capacity_mb(&self, nodes: i64) -> i64 {
        1024 * nodes
            * if nodes == 1 {
                self.storage_single_gb
            } else {
                self.storage_gb
            }
    }

    /// Is this number of nodes good for a new cluster, or for one that is resized the classic way?
    pub fn check_count(&self, nodes: i64) -> Result<(), ApiError> {
        if nodes > self.max {
            return Err(errors::number_of_nodes_per_cluster_limit_exceeded_fault(
                format!(
                    "The number of nodes {nodes} exceeds the limit of {} for node type {}.",
                    self.max, self.name
                ),
            ));
        }
        if nodes < self.min {
            return Err(ApiError::validation(format!(
                "The number of nodes for node type {} must be at least {}.",
                self.name, self.min
            )));
        }
        Ok(())
    }

    /// Can an elastic resize go from `base` (nodes at creation or after the last classic resize, L3453)
    /// to `nodes` of the same type?
    pub fn elastic(&self, base: i64, nodes: i64) -> bool {
        base > 1
            && nodes > 1
            && nodes >= self.min
            && nodes <= self.elastic_max
            && nodes <= base * self.growth
            && nodes * self.shrink >= base
    }

    /// The counts an elastic resize can go to, as `ElasticResizeNumberOfNodeOptions` lists them.
    pub fn elastic_options(&self, base: i64, now: i64) -> String {
        let all: Vec<String> = (2..=self.elastic_max)
            .filter(|n| *n != now && self.elastic(base, *n))
            .map(|n| n.to_string())
            .collect();
        format!("[{}]", all.join(","))
    }
}

/// The number of nodes that `ClusterType` and `NumberOfNodes` ask for.
pub fn count(
    cluster_type: Option<&str>,
    nodes: Option<i64>,
    absent: Option<i64>,
) -> Result<i64, ApiError> {
    match (cluster_type, nodes) {
        (Some("single-node"), None | Some(1)) => Ok(1),
        (Some("single-node"), Some(_)) => Err(ApiError::combination(
            "NumberOfNodes must not be specified, or be 1, when ClusterType is single-node.",
        )),
        (Some("multi-node"), Some(n)) if n >= 2 => Ok(n),
        (Some("multi-node"), Some(_)) => Err(ApiError::validation(
            "Number of nodes for cluster type multi-node must be greater than or equal to 2.",
        )),
        (Some("multi-node"), None) => absent.filter(|n| *n > 1).ok_or_else(|| {
            ApiError::combination("NumberOfNodes is required when ClusterType is multi-node.")
        }),
        (Some(other), _) => Err(ApiError::validation(format!(
            "Invalid cluster type: {other}. Valid values: multi-node, single-node."
        ))),
        (None, Some(n)) if n >= 1 => Ok(n),
        (None, Some(n)) => Err(ApiError::validation(format!(
            "Invalid number of nodes: {n}."
        ))),
        (None, None) => Ok(absent.unwrap_or(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_limits() {
        let xlplus = find("ra3.xlplus").unwrap();
        assert!(xlplus.check_count(16).is_ok());
        assert_eq!(
            xlplus.check_count(17).unwrap_err().code,
            "NumberOfNodesPerClusterLimitExceeded"
        );
        assert!(find("ra3.4xlarge").unwrap().check_count(1).is_err());
        assert_eq!(find("dw.hs1.xlarge").unwrap().name, "ds2.xlarge");
        assert!(find("ra3.nano").is_err());
    }

    #[test]
    fn elastic_resizes_are_measured_from_the_base() {
        // L3461-3466: 4 of ra3.4xlarge go up to 16, and no further after an elastic one to 8.
        let four = find("ra3.4xlarge").unwrap();
        assert!(four.elastic(4, 16));
        assert!(!four.elastic(4, 17));
        // L3457: 12 down to 3.
        assert!(four.elastic(12, 3));
        assert!(!four.elastic(12, 2));
        // L3449: 4 of dc2.8xlarge up to 8.
        let dc2 = find("dc2.8xlarge").unwrap();
        assert!(dc2.elastic(4, 8));
        assert!(!dc2.elastic(4, 9));
        assert!(dc2.elastic(4, 2));
        // L2859: a single node only the classic way.
        assert!(!find("ra3.xlplus").unwrap().elastic(1, 2));
        assert!(find("ra3.xlplus").unwrap().elastic(16, 32));
        assert!(!find("ra3.xlplus").unwrap().elastic(16, 33));
    }

    #[test]
    fn type_and_number_go_together() {
        assert_eq!(count(None, None, None).unwrap(), 1);
        assert_eq!(count(None, Some(2), None).unwrap(), 2);
        assert_eq!(count(Some("single-node"), None, None).unwrap(), 1);
        assert!(count(Some("single-node"), Some(2), None).is_err());
        assert!(count(Some("multi-node"), None, None).is_err());
        assert!(count(Some("multi-node"), Some(1), None).is_err());
        assert!(count(Some("twin"), None, None).is_err());
    }
}
