//! The scenario of the SDK's own examples, with the AWS SDK for Rust: prints what it saw as JSON.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_redshift::client::Waiters;
use aws_sdk_redshiftdata::types::SqlParameter;
use aws_sdk_redshiftdata::types::StatusString;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let name = std::env::args().nth(1).ok_or("the cluster's name is missing")?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .load()
        .await;
    let redshift = aws_sdk_redshift::Client::new(&config);
    let data = aws_sdk_redshiftdata::Client::new(&config);
    let mut saw = serde_json::Map::new();

    let made = redshift
        .create_cluster()
        .cluster_identifier(&name)
        .node_type("ra3.4xlarge")
        .number_of_nodes(2)
        .master_username("awsuser")
        .master_user_password("AwsUser1000")
        .send()
        .await?;
    let created = made.cluster().and_then(|c| c.cluster_status()).unwrap_or_default();
    saw.insert("created".into(), created.into());
    redshift
        .wait_until_cluster_available()
        .cluster_identifier(&name)
        .wait(Duration::from_secs(90))
        .await?;
    let mut listed = Vec::new();
    let mut pages = redshift.describe_clusters().into_paginator().send();
    while let Some(page) = pages.next().await {
        for cluster in page?.clusters() {
            listed.push(cluster.cluster_identifier().unwrap_or_default().to_string());
        }
    }
    saw.insert("listed".into(), listed.into());
    let databases = data
        .list_databases()
        .cluster_identifier(&name)
        .database("dev")
        .db_user("awsuser")
        .send()
        .await?;
    saw.insert("databases".into(), databases.databases().into());

    let run = async |sql: &str, values: Vec<(&str, String)>| -> Result<String> {
        let parameters = values
            .into_iter()
            .map(|(name, value)| SqlParameter::builder().name(name).value(value).build())
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let sent = data
            .execute_statement()
            .cluster_identifier(&name)
            .database("dev")
            .db_user("awsuser")
            .sql(sql)
            .set_parameters((!parameters.is_empty()).then_some(parameters))
            .send()
            .await?;
        Ok(sent.id().unwrap_or_default().to_string())
    };
    run("CREATE TABLE Movies (id INT PRIMARY KEY, title VARCHAR(100), year INT)", vec![]).await?;
    for i in 0..200 {
        let year = if i < 60 { 2013 } else { 2014 };
        run(
            "INSERT INTO Movies VALUES( :id , :title, :year)",
            vec![("id", i.to_string()), ("title", format!("Film {i}")), ("year", year.to_string())],
        )
        .await?;
    }
    let asked = run(" SELECT * FROM Movies WHERE year = :year", vec![("year", "2013".into())]).await?;
    loop {
        let state = data.describe_statement().id(&asked).send().await?;
        match state.status() {
            Some(StatusString::Finished) => break,
            Some(StatusString::Failed | StatusString::Aborted) => {
                return Err(state.error().unwrap_or("failed").into());
            }
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    let result = data.get_statement_result().id(&asked).send().await?;
    let columns: Vec<_> = result.column_metadata().iter().filter_map(|c| c.name()).collect();
    saw.insert("columns".into(), columns.into());
    let mut records = Vec::new();
    for record in result.records() {
        let (Ok(id), Ok(title), Ok(year)) =
            (record[0].as_long_value(), record[1].as_string_value(), record[2].as_long_value())
        else {
            return Err(format!("a record of other types: {record:?}").into());
        };
        records.push(serde_json::json!([id, title, year]));
    }
    saw.insert("records".into(), records.into());
    let changed = redshift
        .modify_cluster()
        .cluster_identifier(&name)
        .preferred_maintenance_window("wed:07:30-wed:08:00")
        .send()
        .await?;
    let window = changed.cluster().and_then(|c| c.preferred_maintenance_window());
    saw.insert("window".into(), window.into());
    let missing = redshift.describe_clusters().cluster_identifier(format!("{name}-not")).send().await;
    let missing = missing.err().and_then(|e| e.into_service_error().is_cluster_not_found_fault().then_some(true));
    saw.insert("missing".into(), missing.into());
    let gone = redshift
        .delete_cluster()
        .cluster_identifier(&name)
        .skip_final_cluster_snapshot(true)
        .send()
        .await?;
    let deleted = gone.cluster().and_then(|c| c.cluster_status()).unwrap_or_default();
    saw.insert("deleted".into(), deleted.into());
    println!("{}", serde_json::Value::Object(saw));
    Ok(())
}
