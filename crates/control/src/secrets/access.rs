//! What a call of Secrets Manager asks for.

use lw_aws_model::Value;
use lw_policy::{Request, Resource};

use super::records::{Secret, find, place};
use crate::Call;
use crate::identity::{Ask, request_tags};

/// The action over the secret.
pub fn asks(call: &Call, input: &Value) -> Vec<Ask> {
    let resource = match (input.text("SecretId"), input.text("Name")) {
        (Some(id), _) => match find(&call.view(), call.config(), id) {
            Ok(secret) => resource(call, &secret),
            Err(_) => Resource::new(id),
        },
        // Nobody knows its last characters before it is there.
        (None, Some(name)) => Resource::new(lw_policy::arn::secret(
            &place(call.config()),
            name,
            "??????",
        )),
        (None, None) => Resource::new("*"),
    };
    let mut request = Request::new(&format!("secretsmanager:{}", call.operation), [resource]);
    for (key, member) in [
        ("secretsmanager:Name", "Name"),
        ("secretsmanager:SecretId", "SecretId"),
        ("secretsmanager:KmsKeyId", "KmsKeyId"),
        ("secretsmanager:VersionId", "VersionId"),
        ("secretsmanager:VersionStage", "VersionStage"),
        ("secretsmanager:Description", "Description"),
    ] {
        if let Some(value) = input.text(member) {
            request.keys.set(key, value);
        }
    }
    request_tags(call, input, &mut request);
    if call.operation == "CreateSecret" {
        // Rules over the tags of a secret hold for those that it is to have.
        let tags: Vec<(String, String)> = input
            .get("Tags")
            .map(|tags| tags.items())
            .unwrap_or_default()
            .iter()
            .filter_map(|tag| {
                let value = tag.text("Value").unwrap_or_default();
                Some((tag.text("Key")?.to_owned(), value.to_owned()))
            })
            .collect();
        for resource in &mut request.resources {
            resource.tags = tags.clone();
        }
    }
    vec![request.into()]
}

/// A secret as a resource.
pub fn resource(call: &Call, secret: &Secret) -> Resource {
    Resource::new(secret.arn(call.config()))
        .with_tags(secret.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())))
}
