//! Tracks of versions. Both carry the version that runs: there is one build of it.

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::{
    GetTrackRequest, GetTrackResponse, ListTracksRequest, ListTracksResponse, ServerlessTrack,
    UpdateTarget, errors, op,
};

use super::paging::page;
use crate::Call;
use crate::registry::{Depth, Registry};

/// The track that workgroups are on if not told otherwise.
pub const CURRENT: &str = "current";
/// The other one.
const TRAILING: &str = "trailing";

/// The version, as the SQL function `version()` says it.
pub fn version() -> String {
    format!("1.0.{}", env!("CARGO_PKG_VERSION"))
}

pub fn register(registry: &mut Registry) {
    registry.serve(op::GetTrack, Depth::Full, get);
    registry.serve(op::ListTracks, Depth::Full, list);
}

/// Refuses a track that is not there.
pub fn check(name: &str) -> Result<(), ApiError> {
    if [CURRENT, TRAILING].contains(&name) {
        return Ok(());
    }
    Err(
        errors::resource_not_found_exception(format!("Track {name} not found."))
            .with("resourceName", name),
    )
}

fn track(name: &str) -> ServerlessTrack {
    let other = if name == CURRENT { TRAILING } else { CURRENT };
    ServerlessTrack {
        track_name: Some(name.into()),
        update_targets: Some(vec![UpdateTarget {
            track_name: Some(other.into()),
            workgroup_version: Some(version()),
        }]),
        workgroup_version: Some(version()),
    }
}

async fn get(_call: Call, input: GetTrackRequest) -> Result<GetTrackResponse, ApiError> {
    check(&input.track_name)?;
    Ok(GetTrackResponse {
        track: Some(track(&input.track_name)),
    })
}

async fn list(call: Call, input: ListTracksRequest) -> Result<ListTracksResponse, ApiError> {
    let (names, next_token) = page(
        &call,
        vec![CURRENT, TRAILING],
        |name| name.to_string(),
        input.next_token.as_deref(),
        input.max_results,
    )?;
    Ok(ListTracksResponse {
        next_token,
        tracks: Some(names.into_iter().map(track).collect()),
    })
}
