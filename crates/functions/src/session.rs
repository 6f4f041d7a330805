//! How a function reaches the session of the statement that calls it.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::error::{DataFusionError, Result};
use lw_settings::SessionInfo;

/// The session as an extension of DataFusion's configuration, which every function call is given.
#[derive(Debug, Clone)]
pub struct SessionExtension(pub Arc<SessionInfo>);

impl ConfigExtension for SessionExtension {
    const PREFIX: &'static str = "longwave";
}

impl ExtensionOptions for SessionExtension {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        Err(DataFusionError::Configuration(format!(
            "the session is not changed through the engine's configuration: {key}"
        )))
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// The session of the statement being planned or run.
pub fn session(options: &ConfigOptions) -> Result<&Arc<SessionInfo>> {
    options
        .extensions
        .get::<SessionExtension>()
        .map(|e| &e.0)
        .ok_or_else(|| DataFusionError::Internal("no session in the configuration".into()))
}
