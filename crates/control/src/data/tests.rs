use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use lw_aws_model::redshift_data::*;

use super::words::{Service, Words};
use crate::testing::Bed;

async fn bed() -> (Bed, Arc<Words>) {
    let bed = Bed::new().await;
    let words = Arc::new(Words::default());
    *bed.fake.sql.lock() = Some(Arc::new(Service(words.clone())));
    (bed, words)
}

fn input(sql: &str) -> ExecuteStatementInput {
    ExecuteStatementInput {
        sql: sql.into(),
        workgroup_name: Some("default".into()),
        database: Some("dev".into()),
        ..Default::default()
    }
}

async fn submit(bed: &Bed, sql: &str) -> String {
    bed.call(op::ExecuteStatement, input(sql))
        .await
        .unwrap()
        .id
        .unwrap()
}

async fn over(bed: &Bed, id: &str) -> DescribeStatementResponse {
    bed.call(
        op::DescribeStatement,
        DescribeStatementRequest {
            id: id.into(),
            wait_time_seconds: Some(20),
        },
    )
    .await
    .unwrap()
}

async fn result(bed: &Bed, id: &str, token: Option<String>) -> GetStatementResultResponse {
    bed.call(
        op::GetStatementResult,
        GetStatementResultRequest {
            id: id.into(),
            next_token: token,
            wait_time_seconds: None,
        },
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn statements_run_in_the_order_in_which_they_came() {
    let (bed, words) = bed().await;
    for n in 0..40 {
        submit(&bed, &format!("insert w{n}")).await;
    }
    let id = submit(&bed, "select words").await;
    let told = over(&bed, &id).await;
    assert_eq!(told.status.as_deref(), Some("FINISHED"));
    assert_eq!(told.has_result_set, Some(true));
    assert_eq!(told.result_rows, Some(40));
    // Length, count of columns, length of the value, and the value: 6 + 4 + 2 or 3.
    assert_eq!(told.result_size, Some(10 * 12 + 30 * 13));
    let found = result(&bed, &id, None).await;
    let texts: Vec<String> = found
        .records
        .iter()
        .map(|row| row[0].string_value.clone().unwrap())
        .collect();
    assert_eq!(texts, (0..40).map(|n| format!("w{n}")).collect::<Vec<_>>());
    assert_eq!(found.total_num_rows, Some(40));
    let column = &found.column_metadata.unwrap()[0];
    assert_eq!(column.type_name.as_deref(), Some("varchar"));
    assert_eq!(column.precision, Some(20));
    assert!(
        words
            .users
            .lock()
            .iter()
            .all(|user| user == "IAM:RootIdentity")
    );
    let insert = bed
        .call(
            op::ListStatements,
            ListStatementsRequest {
                max_results: Some(2),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(insert.statements.len(), 2);
    assert_eq!(insert.statements[0].id, id);
    let token = insert.next_token.unwrap();
    let mut seen: HashSet<String> = insert.statements.iter().map(|s| s.id.clone()).collect();
    let rest = bed
        .call(
            op::ListStatements,
            ListStatementsRequest {
                next_token: Some(token),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    seen.extend(rest.statements.iter().map(|s| s.id.clone()));
    assert_eq!(seen.len(), 41);
    assert_eq!(rest.next_token, None);
}

#[tokio::test]
async fn a_batch_is_one_transaction() {
    let (bed, words) = bed().await;
    let batch = |sqls: &[&str], mode: Option<&str>| BatchExecuteStatementInput {
        sqls: sqls.iter().map(|sql| sql.to_string()).collect(),
        workgroup_name: Some("default".into()),
        database: Some("dev".into()),
        execution_mode: mode.map(Into::into),
        wait_time_seconds: Some(10),
        ..Default::default()
    };
    let failed = bed
        .call(
            op::BatchExecuteStatement,
            batch(&["insert a", "missing", "insert b"], None),
        )
        .await
        .unwrap();
    assert_eq!(failed.status.as_deref(), Some("FAILED"));
    assert!(words.committed.lock().is_empty());
    let told = over(&bed, failed.id.as_ref().unwrap()).await;
    let error = "ERROR: relation \"missing\" does not exist";
    assert_eq!(told.error.as_deref(), Some(error));
    assert_eq!(told.duration, Some(-1));
    let parts = told.sub_statements.unwrap();
    let states: Vec<_> = parts.iter().map(|p| p.status.clone().unwrap()).collect();
    assert_eq!(states, ["FINISHED", "FAILED", "ABORTED"]);
    assert_eq!(parts[1].error.as_deref(), Some(error));
    assert_eq!(parts[1].id, format!("{}:2", told.id));

    let own = bed
        .call(
            op::BatchExecuteStatement,
            batch(&["insert a", "missing"], Some("AUTO_COMMIT")),
        )
        .await
        .unwrap();
    assert_eq!(own.status.as_deref(), Some("FAILED"));
    assert_eq!(*words.committed.lock(), ["a"]);

    let done = bed
        .call(
            op::BatchExecuteStatement,
            batch(&["insert b", "select 1", "select words"], None),
        )
        .await
        .unwrap();
    assert_eq!(done.status.as_deref(), Some("FINISHED"));
    let id = done.id.unwrap();
    let told = over(&bed, &id).await;
    let parts = told.sub_statements.unwrap();
    assert_eq!(parts[1].result_size, Some(11));
    assert_eq!(
        told.duration.unwrap(),
        parts.iter().map(|p| p.duration.unwrap()).sum::<i64>()
    );
    let one = result(&bed, &format!("{id}:2"), None).await;
    assert_eq!(one.records[0][0].long_value, Some(1));
    let bare = bed
        .call(
            op::GetStatementResult,
            GetStatementResultRequest {
                id: id.clone(),
                ..Default::default()
            },
        )
        .await
        .unwrap_err();
    assert_eq!(bare.shape, "ValidationException");
    let none = bed
        .call(
            op::GetStatementResult,
            GetStatementResultRequest {
                id: format!("{id}:1"),
                ..Default::default()
            },
        )
        .await
        .unwrap_err();
    assert_eq!(none.shape, "ResourceNotFoundException");
}

#[tokio::test]
async fn parameters_are_cast_to_what_their_place_asks_for() {
    let (bed, _) = bed().await;
    let mut with = input("select :n -- :n");
    with.parameters = Some(vec![SqlParameter {
        name: "n".into(),
        value: "42".into(),
    }]);
    let id = bed
        .call(op::ExecuteStatement, with.clone())
        .await
        .unwrap()
        .id
        .unwrap();
    let told = over(&bed, &id).await;
    assert_eq!(told.query_string.as_deref(), Some("select :n -- :n"));
    assert_eq!(told.query_parameters.unwrap()[0].value, "42");
    let found = result(&bed, &id, None).await;
    assert_eq!(found.records[0][0].long_value, Some(42));

    with.sql = "select ':n'".into();
    let unused = bed.call(op::ExecuteStatement, with).await.unwrap_err();
    assert_eq!(
        unused.message,
        "Parameters list contains unused parameters. Unused parameters: [n]"
    );
    let id = submit(&bed, "select wrong").await;
    assert_eq!(
        over(&bed, &id).await.error.as_deref(),
        Some("ERROR: syntax error at or near \"wrong\"\n  Position: 12")
    );
    let mut nowhere = input("select 1");
    nowhere.database = Some("nowhere".into());
    nowhere.wait_time_seconds = Some(10);
    let failed = bed.call(op::ExecuteStatement, nowhere).await.unwrap();
    assert_eq!(failed.status.as_deref(), Some("FAILED"));
    let told = over(&bed, failed.id.as_ref().unwrap()).await;
    assert_eq!(
        told.error.as_deref(),
        Some("FATAL: database \"nowhere\" does not exist")
    );
}

#[tokio::test]
async fn what_waits_and_what_runs_can_be_cancelled() {
    let (bed, words) = bed().await;
    let runs = submit(&bed, "sleep").await;
    let waits = submit(&bed, "insert never").await;
    while words.running.lock().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for id in [&waits, &runs] {
        let request = CancelStatementRequest { id: id.clone() };
        let answer = bed.call(op::CancelStatement, request).await.unwrap();
        assert_eq!(answer.status, Some(true));
        assert_eq!(over(&bed, id).await.status.as_deref(), Some("ABORTED"));
    }
    assert!(words.committed.lock().is_empty());
    let again = bed
        .call(op::CancelStatement, CancelStatementRequest { id: runs })
        .await
        .unwrap_err();
    assert_eq!(
        again.message,
        "Could not cancel a query that is already in ABORTED state."
    );
    let unknown = bed
        .call(
            op::DescribeStatement,
            DescribeStatementRequest {
                id: uuid::Uuid::new_v4().to_string(),
                wait_time_seconds: None,
            },
        )
        .await
        .unwrap_err();
    assert_eq!(unknown.shape, "ResourceNotFoundException");
    assert_eq!(unknown.members[0].0, "ResourceId");
}

#[tokio::test]
async fn results_outlast_a_restart_and_nothing_is_lost() {
    let (bed, words) = bed().await;
    let done = submit(&bed, "select 1").await;
    over(&bed, &done).await;
    let runs = submit(&bed, "sleep").await;
    let waits = submit(&bed, "insert never").await;
    while words.running.lock().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let bed = bed.reopen().await;
    for id in [&runs, &waits] {
        let told = over(&bed, id).await;
        assert_eq!(told.status.as_deref(), Some("FAILED"));
        assert!(told.error.unwrap().contains("restarted"));
    }
    assert_eq!(result(&bed, &done, None).await.records.len(), 1);
    bed.control.clock.advance(chrono::Duration::hours(25));
    super::sweep(&bed.control).await;
    let gone = bed
        .call(
            op::GetStatementResult,
            GetStatementResultRequest {
                id: done,
                ..Default::default()
            },
        )
        .await
        .unwrap_err();
    assert_eq!(gone.message, "Query does not exist.");
    assert!(super::results::keys(&super::dir(&bed.control)).is_empty());
}

#[tokio::test]
async fn a_client_token_is_good_for_one_statement() {
    let (bed, words) = bed().await;
    let mut once = input("insert once");
    once.client_token = Some("b855dced-259b-444c-bc7b-d3e8e33f94g1".into());
    let (first, second) = tokio::join!(
        bed.call(op::ExecuteStatement, once.clone()),
        bed.call(op::ExecuteStatement, once.clone())
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.id, second.id);
    over(&bed, first.id.as_ref().unwrap()).await;
    assert_eq!(words.committed.lock().len(), 1);
    let bed = bed.reopen().await;
    let third = bed.call(op::ExecuteStatement, once.clone()).await.unwrap();
    assert_eq!(third.id, first.id);
    bed.control.clock.advance(chrono::Duration::hours(9));
    let later = bed.call(op::ExecuteStatement, once).await.unwrap();
    assert_ne!(later.id, first.id);
}

#[tokio::test]
async fn large_results_come_in_pages_and_are_complete() {
    let (bed, _) = bed().await;
    let id = submit(&bed, "select many 60000").await;
    assert_eq!(over(&bed, &id).await.result_rows, Some(60_000));
    let mut token = None;
    let mut next = 0;
    let mut pages = 0;
    loop {
        let found = result(&bed, &id, token).await;
        assert_eq!(found.total_num_rows, Some(60_000));
        for row in &found.records {
            assert_eq!(row[0].long_value, Some(next));
            match next % 3 {
                2 => assert_eq!(row[1].is_null, Some(true)),
                _ => assert_eq!(row[1].string_value.clone(), Some(format!("row, {next}"))),
            }
            assert_eq!(row[2].double_value, Some(next as f64 / 2.0));
            next += 1;
        }
        pages += 1;
        token = found.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(next, 60_000);
    assert!((3..=8).contains(&pages), "{pages}");

    let mut csv = input("select many 4");
    csv.result_format = Some("CSV".into());
    let id = bed
        .call(op::ExecuteStatement, csv)
        .await
        .unwrap()
        .id
        .unwrap();
    over(&bed, &id).await;
    let found = bed
        .call(
            op::GetStatementResultV2,
            GetStatementResultV2Request {
                id: id.clone(),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(
        found.records[0].csv_records.as_deref(),
        Some("n,text,half\r\n0,\"row, 0\",0\r\n1,\"row, 1\",0.5\r\n2,,1\r\n3,\"row, 3\",1.5\r\n")
    );
    let json = bed
        .call(
            op::GetStatementResult,
            GetStatementResultRequest {
                id,
                ..Default::default()
            },
        )
        .await
        .unwrap_err();
    assert_eq!(json.shape, "ValidationException");

    let id = submit(&bed, "select wide").await;
    let error = over(&bed, &id).await.error.unwrap();
    assert!(error.starts_with("ERROR: packet for query is too large"));
}

#[tokio::test]
async fn a_session_is_kept_and_closed() {
    let (bed, _) = bed().await;
    let mut first = input("select 1");
    first.session_keep_alive_seconds = Some(60);
    first.wait_time_seconds = Some(10);
    let first = bed.call(op::ExecuteStatement, first).await.unwrap();
    let session = first.session_id.unwrap();
    let inside = || ExecuteStatementInput {
        sql: "select 1".into(),
        session_id: Some(session.clone()),
        wait_time_seconds: Some(10),
        ..Default::default()
    };
    let second = bed.call(op::ExecuteStatement, inside()).await.unwrap();
    assert_eq!(second.redshift_pid, first.redshift_pid);
    let list = |status: Option<&str>| {
        let request = ListSessionsRequest {
            session_id: Some(session.clone()),
            status: status.map(Into::into),
            ..Default::default()
        };
        bed.call(op::ListSessions, request)
    };
    let open = list(None).await.unwrap().sessions;
    assert_eq!(open[0].status, "AVAILABLE");
    assert_eq!(open[0].session_alive_seconds, Some(60));
    let mut other = inside();
    other.database = Some("other".into());
    assert!(bed.call(op::ExecuteStatement, other).await.is_err());
    bed.control.clock.advance(chrono::Duration::seconds(61));
    super::sessions::close_idle(&bed.control).await;
    let closed = bed.call(op::ExecuteStatement, inside()).await.unwrap_err();
    assert_eq!(closed.message, "Session is not available");
    assert_eq!(list(Some("CLOSED")).await.unwrap().sessions.len(), 1);
    let mut never = inside();
    never.session_id = Some(uuid::Uuid::new_v4().to_string());
    let never = bed.call(op::ExecuteStatement, never).await.unwrap_err();
    assert!(never.message.ends_with(" is invalid"));
}

#[tokio::test]
async fn limits_are_errors() {
    let (bed, _) = bed().await;
    let long = "select ".to_string() + &"1".repeat(101 * 1024);
    let error = bed
        .call(op::ExecuteStatement, input(&long))
        .await
        .unwrap_err();
    assert_eq!(error.shape, "ValidationException");
    submit(&bed, "sleep").await;
    for _ in 1..200 {
        submit(&bed, "insert x").await;
    }
    let error = bed
        .call(op::ExecuteStatement, input("select 1"))
        .await
        .unwrap_err();
    assert_eq!(error.shape, "ActiveStatementsExceededException");
    let mut unknown = input("select 1");
    unknown.workgroup_name = Some("unknown".into());
    let error = bed.call(op::ExecuteStatement, unknown).await.unwrap_err();
    assert_eq!(
        error.message,
        "Redshift endpoint doesn't exist in this region."
    );
}

#[tokio::test]
async fn a_secret_says_who_logs_in() {
    use lw_aws_model::secretsmanager::{self, CreateSecretRequest};
    let (bed, words) = bed().await;
    let secret = bed
        .call(
            secretsmanager::op::CreateSecret,
            CreateSecretRequest {
                name: "login".into(),
                secret_string: Some(r#"{"username":"reporter","password":"Secret123"}"#.into()),
                ..Default::default()
            },
        )
        .await
        .unwrap()
        .arn
        .unwrap();
    let mut with = input("select 1");
    with.secret_arn = Some(secret.clone());
    with.wait_time_seconds = Some(10);
    let answer = bed.call(op::ExecuteStatement, with.clone()).await.unwrap();
    assert_eq!(answer.status.as_deref(), Some("FINISHED"));
    assert_eq!(answer.secret_arn, Some(secret));
    assert_eq!(answer.db_user, None);
    assert_eq!(*words.users.lock(), ["reporter"]);
    with.secret_arn =
        Some("arn:aws:secretsmanager:us-east-1:123456789012:secret:none-abcdef".into());
    let missing = bed
        .call(op::ExecuteStatement, with.clone())
        .await
        .unwrap_err();
    assert_eq!(missing.shape, "ValidationException");
    with.db_user = Some("reporter".into());
    assert!(bed.call(op::ExecuteStatement, with).await.is_err());
}
