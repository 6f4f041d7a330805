//! The record of API calls: a JSON line each in `audit/<day>.jsonl`, in the form of CloudTrail's entries
//! (guide L25389-25867), with what is secret taken out.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use lw_aws_model::edge::{Caller, CallerKind};
use lw_aws_model::{ApiError, Value};
use parking_lot::Mutex;
use serde_json::{Map, Value as Json, json};

use crate::Call;

/// Days that entries are kept, as CloudTrail's event history does.
const KEPT_DAYS: i64 = 90;
/// What stands for a secret (guide L25547-25554).
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";
/// What stands for the text of a statement (guide L25610).
const OMITTED: &str = "***OMITTED***";

/// The file of the day.
#[derive(Default)]
pub struct Audit(Mutex<Option<(NaiveDate, File)>>);

impl Audit {
    /// Records a call.
    pub fn record(&self, call: &Call, input: &Value, result: &Result<Value, ApiError>) {
        let now = call.now();
        let mut line = entry(call, now, input, result).to_string();
        line.push('\n');
        if let Err(error) = self.append(&call.config().dir.join("audit"), now.date_naive(), &line) {
            tracing::error!(%error, "a call could not be recorded");
        }
    }

    fn append(&self, dir: &Path, day: NaiveDate, line: &str) -> std::io::Result<()> {
        let mut held = self.0.lock();
        if held.as_ref().is_none_or(|(open, _)| *open != day) {
            std::fs::create_dir_all(dir)?;
            let mut options = OpenOptions::new();
            options.create(true).append(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(dir.join(format!("{day}.jsonl")))?;
            *held = Some((day, file));
        }
        match held.as_mut() {
            Some((_, file)) => file.write_all(line.as_bytes()),
            None => Ok(()),
        }
    }
}

/// Deletes the files of days that are too long ago.
pub fn sweep(dir: &Path, now: DateTime<Utc>) {
    let first = now.date_naive() - chrono::Duration::days(KEPT_DAYS);
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let day = name
            .to_str()
            .and_then(|name| name.strip_suffix(".jsonl")?.parse::<NaiveDate>().ok());
        if day.is_some_and(|day| day < first)
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "an old record of calls could not be deleted");
        }
    }
}

fn entry(call: &Call, now: DateTime<Utc>, input: &Value, result: &Result<Value, ApiError>) -> Json {
    let data_api = call.service.name == "redshift-data";
    let reads = ["Describe", "List", "Get"]
        .iter()
        .any(|word| call.operation.starts_with(word));
    let mut entry = json!({
        "eventVersion": "1.08",
        "userIdentity": identity(&call.caller),
        "eventTime": now.to_rfc3339_opts(SecondsFormat::Secs, true),
        "eventSource": format!("{}.amazonaws.com", call.service.name),
        "eventName": call.operation,
        "awsRegion": call.config().region,
        "sourceIPAddress": call.source_ip.map(|ip| ip.to_string()).unwrap_or_default(),
        "userAgent": call.user_agent,
        "requestParameters": shown(input, data_api),
        "responseElements": match (reads, result) {
            (false, Ok(value)) => shown(value, data_api),
            _ => Json::Null,
        },
        "requestID": call.request_id,
        "eventID": uuid::Uuid::new_v4().to_string(),
        "readOnly": reads,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": call.config().account,
        "eventCategory": "Management",
    });
    if let (Err(error), Json::Object(members)) = (result, &mut entry) {
        members.insert("errorCode".into(), error.code.clone().into());
        members.insert("errorMessage".into(), error.message.clone().into());
    }
    entry
}

fn identity(caller: &Caller) -> Json {
    match &caller.kind {
        CallerKind::Root => json!({
            "type": "Root",
            "principalId": caller.user_id,
            "arn": caller.arn,
            "accountId": caller.account,
            "accessKeyId": caller.access_key_id,
        }),
        CallerKind::User { name } => json!({
            "type": "IAMUser",
            "principalId": caller.user_id,
            "arn": caller.arn,
            "accountId": caller.account,
            "accessKeyId": caller.access_key_id,
            "userName": name,
        }),
        CallerKind::Role { name, .. } => json!({
            "type": "AssumedRole",
            "principalId": caller.user_id,
            "arn": caller.arn,
            "accountId": caller.account,
            "accessKeyId": caller.access_key_id,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": caller.user_id.split(':').next(),
                    "arn": format!("arn:aws:iam::{}:role/{name}", caller.account),
                    "accountId": caller.account,
                    "userName": name,
                },
                "webIdFederationData": {},
                "attributes": { "mfaAuthenticated": "false" },
            },
        }),
        CallerKind::Service => json!({ "type": "AWSService", "invokedBy": "longwave" }),
        CallerKind::Anonymous => json!({ "type": "Unknown" }),
    }
}

/// What stands in a member's place, if it is not shown.
fn stand_in(member: &str, data_api: bool) -> Option<&'static str> {
    let lower = member.to_ascii_lowercase();
    if data_api && matches!(lower.as_str(), "sql" | "sqls" | "parameters") {
        return Some(OMITTED);
    }
    let secret = lower.contains("password") && !lower.starts_with("manage")
        || matches!(
            lower.as_str(),
            "adminusername"
                | "secretstring"
                | "secretbinary"
                | "secretaccesskey"
                | "sessiontoken"
                | "plaintext"
                | "token"
                | "webidentitytoken"
                | "samlassertion"
                | "redshiftdataparameters"
        );
    // The name of a parameter or key of a secret is none.
    (secret && !lower.ends_with("arn") && !lower.ends_with("id")).then_some(HIDDEN)
}

/// A value as it is recorded: names begin with a small letter.
fn shown(value: &Value, data_api: bool) -> Json {
    match value {
        Value::String(text) => text.clone().into(),
        Value::Integer(number) => (*number).into(),
        Value::Double(number) => json!(number),
        Value::Boolean(truth) => (*truth).into(),
        Value::Timestamp(time) => time.format("%b %-d, %Y %-I:%M:%S %p").to_string().into(),
        Value::Blob(bytes) => format!("{} bytes", bytes.len()).into(),
        Value::List(items) => items.iter().map(|item| shown(item, data_api)).collect(),
        Value::Map(members) => members
            .iter()
            .map(|(name, inner)| {
                let shown = match stand_in(name, data_api) {
                    Some(stand_in) => stand_in.into(),
                    None => shown(inner, data_api),
                };
                let mut letters = name.chars();
                let small = letters
                    .next()
                    .map(|first| first.to_ascii_lowercase().to_string() + letters.as_str());
                (small.unwrap_or_default(), shown)
            })
            .collect::<Map<String, Json>>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use lw_aws_model::redshift_data::{ExecuteStatementInput, op};

    use crate::testing::Bed;

    #[tokio::test]
    async fn calls_are_recorded_without_secrets() {
        let bed = Bed::new().await;
        let answer = bed
            .call(
                op::ExecuteStatement,
                ExecuteStatementInput {
                    sql: "select 'secret'".into(),
                    workgroup_name: Some("unknown".into()),
                    client_token: Some("once".into()),
                    ..Default::default()
                },
            )
            .await;
        assert!(answer.is_err());
        let day = bed.control.clock.now().date_naive();
        let path = bed.control.config.dir.join(format!("audit/{day}.jsonl"));
        let text = std::fs::read_to_string(path).unwrap();
        let entry: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(entry["eventName"], "ExecuteStatement");
        assert_eq!(entry["eventSource"], "redshift-data.amazonaws.com");
        assert_eq!(entry["requestParameters"]["sql"], "***OMITTED***");
        assert_eq!(entry["requestParameters"]["clientToken"], "once");
        assert_eq!(entry["userIdentity"]["type"], "Root");
        assert_eq!(entry["errorCode"], "ValidationException");
        assert!(!text.contains("secret'"));
        for (member, hidden) in [
            ("MasterUserPassword", true),
            ("adminUserPassword", true),
            ("adminUsername", true),
            ("ManageMasterPassword", false),
            ("MasterPasswordSecretArn", false),
            ("MasterPasswordSecretKmsKeyId", false),
            ("ClusterIdentifier", false),
            ("SecretAccessKey", true),
        ] {
            assert_eq!(super::stand_in(member, false).is_some(), hidden, "{member}");
        }
    }
}
