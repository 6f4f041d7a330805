//! What the control plane is told from outside.

use std::net::IpAddr;
use std::path::PathBuf;

/// The setting of a control plane.
#[derive(Debug, Clone)]
pub struct ControlConfig {
    /// The account, twelve digits.
    pub account: String,
    /// Region, for instance `us-east-1`.
    pub region: String,
    /// Access key id of the root.
    pub root_key_id: String,
    /// Its secret.
    pub root_secret: String,
    /// Directory for what is too large for records (results of the Data API, logs) and for the root of
    /// the keys.
    pub dir: PathBuf,
    /// Address clients reach the SQL ports at: what endpoints show.
    pub sql_host: String,
    /// Port of the default workgroup.
    pub sql_port: u16,
    /// Address the SQL ports listen on.
    pub sql_ip: IpAddr,
    /// Id of the default namespace, which exists already.
    pub default_namespace: String,
    /// Name of its admin user.
    pub admin_user: String,
    /// Processors of this machine.
    pub processors: usize,
    /// Memory that statements of all warehouses may use together, bytes.
    pub memory_bytes: u64,
}
