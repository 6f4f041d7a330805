//! Names of the account's things.

use crate::ControlConfig;

impl ControlConfig {
    /// `arn:aws:<service>:<region>:<account>:<rest>`
    pub fn arn(&self, service: &str, rest: impl std::fmt::Display) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account)
    }

    /// `arn:aws:iam::<account>:<rest>`
    pub fn iam_arn(&self, rest: impl std::fmt::Display) -> String {
        format!("arn:aws:iam::{}:{rest}", self.account)
    }
}
