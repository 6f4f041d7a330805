//! MANIFEST [VERBOSE].

use lw_base::{Result, SqlError};
use lw_pgrepr::SqlType;
use serde_json::{Value, json};

use super::super::source::s3_error;
use super::Target;
use super::files::Written;

/// Writes `<prefix>manifest`.
pub(super) async fn write(target: &Target, written: &[Written]) -> Result<()> {
    let verbose = target.options.manifest_verbose;
    let entries: Vec<Value> = written
        .iter()
        .map(|file| {
            let mut meta = json!({ "content_length": file.bytes });
            if verbose {
                meta["record_count"] = json!(file.rows);
            }
            json!({
                "url": format!("s3://{}/{}", target.bucket_name, file.key),
                "meta": meta,
            })
        })
        .collect();
    let mut manifest = json!({ "entries": entries });
    if verbose {
        let elements: Vec<Value> = target
            .columns
            .iter()
            .map(|c| json!({ "name": c.name, "type": type_of(c.sql_type) }))
            .collect();
        manifest["schema"] = json!({ "elements": elements });
        manifest["meta"] = json!({
            "content_length": written.iter().map(|f| f.bytes).sum::<u64>(),
            "record_count": written.iter().map(|f| f.rows).sum::<u64>(),
        });
        manifest["author"] = json!({ "name": "Amazon Redshift", "version": "1.0.0" });
    }
    let key = format!("{}manifest", target.prefix);
    let context = format!("Writing {key}");
    let bytes = serde_json::to_vec_pretty(&manifest).map_err(SqlError::internal)?;
    let mut writer = target
        .bucket
        .put(&key)
        .await
        .map_err(|e| s3_error(e, &context))?;
    writer
        .write(bytes.into())
        .await
        .map_err(|e| s3_error(e, &context))?;
    writer.finish().await.map_err(|e| s3_error(e, &context))?;
    Ok(())
}

fn type_of(sql_type: SqlType) -> Value {
    let text = sql_type.to_string();
    let base = text.split('(').next().unwrap_or_default();
    match sql_type {
        SqlType::Char(n) | SqlType::Varchar(n) | SqlType::Varbyte(n) => {
            json!({ "base": base, "max_length": n })
        }
        SqlType::Numeric(precision, scale) => {
            json!({ "base": base, "precision": precision, "scale": scale })
        }
        _ => json!({ "base": base }),
    }
}
