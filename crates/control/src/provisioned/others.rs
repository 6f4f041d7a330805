//! Resources of the smaller kinds.

use super::common::Read;
use crate::ControlConfig;

/// Does a resource of a smaller kind exist?
pub fn exists(_read: &impl Read, _config: &ControlConfig, _kind: &str, _name: &str) -> bool {
    false
}
