//! What a call of KMS asks for. A key's policy must allow everything; that of most keys leaves it to the
//! policies of the account.

use lw_aws_model::Value;
use lw_policy::{Kind, Policy, Request, Resource, ResourceRule};

use super::cipher::{Context, key_of};
use super::records::{Alias, Key, find, place};
use crate::Call;
use crate::identity::Ask;
use crate::identity::request_tags;

/// The action over the key (by its policy) and, with aliases, over the alias.
pub fn asks(call: &Call, input: &Value) -> Vec<Ask> {
    let action = format!("kms:{}", call.operation);
    let named = input
        .text("KeyId")
        .or_else(|| input.text("TargetKeyId"))
        .map(str::to_owned);
    let alias = input.text("AliasName");
    let view = call.view();
    let in_blob = || match input.get("CiphertextBlob") {
        Some(Value::Blob(blob)) => key_of(blob),
        _ => None,
    };
    let of_alias = || Some(view.get::<Alias>(alias?)?.key_id.clone());
    let mut asks = Vec::new();
    if let Some(name) = alias {
        let arn = lw_policy::arn::kms_alias(&place(call.config()), name);
        asks.push(Request::new(&action, [Resource::new(arn)]).into());
    }
    // Of a list the key is only a filter.
    let listing = matches!(call.operation, "ListAliases" | "ListKeys" | "CreateKey");
    match named
        .or_else(in_blob)
        .or_else(of_alias)
        .filter(|_| !listing)
    {
        Some(name) => {
            let context = match input.get("EncryptionContext") {
                Some(Value::Map(entries)) => entries
                    .iter()
                    .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
                    .collect(),
                _ => Context::new(),
            };
            asks.push(ask(call, &action, &name, &context));
        }
        None if asks.is_empty() => {
            let mut request = Request::new(&action, []);
            for (key, member) in [
                ("kms:KeySpec", "KeySpec"),
                ("kms:KeyUsage", "KeyUsage"),
                ("kms:KeyOrigin", "Origin"),
            ] {
                if let Some(word) = input.text(member) {
                    request.keys.set(key, word);
                }
            }
            request_tags(call, input, &mut request);
            asks.push(request.into());
        }
        None => {}
    }
    asks
}

/// To use a key for something; also for services that do so on the caller's behalf.
pub fn ask(call: &Call, action: &str, key: &str, context: &Context) -> Ask {
    let view = call.view();
    let Ok(found) = find(&view, call.config(), key) else {
        // The operation says that it is not there, to who may ask.
        let resource = match key.starts_with("arn:") {
            true => Resource::new(key),
            false => Resource::new(lw_policy::arn::kms_key(&place(call.config()), key)),
        };
        return Request::new(action, [resource]).into();
    };
    let resource = Resource::new(found.arn(call.config()))
        .with_tags(found.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    let mut request = Request::new(action, [resource])
        .with("kms:CallerAccount", call.caller.account.as_str())
        .with("kms:KeySpec", "SYMMETRIC_DEFAULT")
        .with("kms:KeyUsage", "ENCRYPT_DECRYPT")
        .with("kms:KeyOrigin", "AWS_KMS");
    if key.contains("alias/") {
        let name = key.rsplit_once(':').map_or(key, |(_, name)| name);
        request.keys.set("kms:RequestAlias", name);
    }
    let aliases = view.list::<Alias>();
    let names = aliases
        .iter()
        .filter(|alias| alias.key_id == found.key_id)
        .map(|alias| alias.name.clone());
    request.keys.set_all("kms:ResourceAliases", names);
    for (name, value) in context {
        request
            .keys
            .set(&format!("kms:EncryptionContext:{name}"), value.as_str());
    }
    request
        .keys
        .set_all("kms:EncryptionContextKeys", context.keys().cloned());
    Ask {
        request,
        resource_policy: policy(&found).map(|policy| (found.key_id.clone(), policy)),
        rule: ResourceRule::Required,
    }
}

fn policy(key: &Key) -> Option<Policy> {
    match Policy::parse(&key.policy, Kind::Resource) {
        Ok(policy) => Some(policy),
        Err(error) => {
            tracing::error!(%error, key = key.key_id, "a key's policy cannot be read");
            None
        }
    }
}
