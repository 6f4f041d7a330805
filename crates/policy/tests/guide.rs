//! The policies that the management guide shows, with what they allow and deny. The outcomes follow from
//! what the guide says that each is for.

mod common;

use common::*;
use lw_policy::*;

const C: &str = "arn:aws:redshift:us-west-2:123456789012:cluster:";

#[test]
fn deny_by_beginning_of_a_name() {
    let policy = identity(
        r#"{"Version": "2012-10-17", "Statement": [
          {"Action": ["redshift:CreateCluster", "redshift:DeleteCluster", "redshift:ModifyCluster", "redshift:RebootCluster"],
           "Resource": ["*"], "Effect": "Allow"},
          {"Sid": "Protected", "Action": ["redshift:DeleteCluster", "redshift:ModifyCluster"],
           "Resource": ["arn:aws:redshift:us-west-2:123456789012:cluster:production*"], "Effect": "Deny"}]}"#,
    );
    for (action, cluster, allowed) in [
        ("redshift:DeleteCluster", "production-1", false),
        ("redshift:DeleteCluster", "production", false),
        ("redshift:DeleteCluster", "dev-1", true),
        ("redshift:DeleteCluster", "Production-1", true),
        ("redshift:RebootCluster", "production-1", true),
        ("redshift:ResizeCluster", "dev-1", false),
        ("REDSHIFT:deletecluster", "dev-1", true),
    ] {
        let decision = ask(&policy, &request(action, &[&format!("{C}{cluster}")]));
        assert_eq!(decision.is_allowed(), allowed, "{action} {cluster}");
    }
    let denied = ask(
        &policy,
        &request("redshift:DeleteCluster", &[&format!("{C}production-1")]),
    );
    assert_eq!(
        denied
            .message(&user().arn(), "redshift:DeleteCluster")
            .as_deref(),
        Some(
            "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: redshift:DeleteCluster on resource: arn:aws:redshift:us-west-2:123456789012:cluster:production-1 with an explicit deny in an identity-based policy"
        )
    );
    let Decision::Denied {
        why: Denial::Explicit(at),
        ..
    } = denied
    else {
        panic!("not explicit: {denied:?}");
    };
    assert_eq!((at.statement, at.sid.as_deref()), (1, Some("Protected")));
}

#[test]
fn one_region_without_deletion() {
    let policy = identity(
        r#"{"Version": "2012-10-17", "Statement": [
          {"Action": "redshift:*", "Resource": "arn:aws:redshift:us-west-2:*", "Effect": "Allow"},
          {"Action": ["redshift:Delete*"], "Resource": "arn:aws:redshift:us-west-2:*", "Effect": "Deny"}]}"#,
    );
    for (action, arn, allowed) in [
        (
            "redshift:CreateCluster",
            "arn:aws:redshift:us-west-2:123456789012:cluster:a",
            true,
        ),
        (
            "redshift:CreateCluster",
            "arn:aws:redshift:us-west-2:123456789012:snapshot:a/b",
            true,
        ),
        (
            "redshift:CreateCluster",
            "arn:aws:redshift:us-east-1:123456789012:cluster:a",
            false,
        ),
        (
            "redshift:DeleteClusterSnapshot",
            "arn:aws:redshift:us-west-2:123456789012:snapshot:a/b",
            false,
        ),
        ("redshift:DescribeClusters", "*", false),
    ] {
        let decision = ask(&policy, &request(action, &[arn]));
        assert_eq!(decision.is_allowed(), allowed, "{action} {arn}");
    }
}

#[test]
fn tags_of_resources() {
    let policy = allow(
        r#""Action": "redshift:ModifyCluster", "Resource": "arn:aws:redshift:us-west-2:123456789012:cluster:*",
           "Condition": {"StringEquals": {"aws:ResourceTag/environment": "test"}}"#,
    );
    for (tags, allowed) in [
        (&[("environment", "test")][..], true),
        (&[("environment", "Test")][..], false),
        (&[("environment", "production")][..], false),
        (&[("other", "test")][..], false),
        (&[][..], false),
    ] {
        let resource = Resource::new(format!("{C}a")).with_tags(tags.iter().copied());
        let decision = ask(&policy, &Request::new("redshift:ModifyCluster", [resource]));
        assert_eq!(decision.is_allowed(), allowed, "{tags:?}");
    }
    // The name of the service in front of it means the same.
    let policy = allow(
        r#""Action": "redshift:*", "Resource": "*", "Condition": {"StringEquals": {"redshift:ResourceTag/environment": "test"}}"#,
    );
    let resource = Resource::new(format!("{C}a")).with_tags([("environment", "test")]);
    assert!(ask(&policy, &Request::new("redshift:PauseCluster", [resource])).is_allowed());
}

#[test]
fn tags_of_requests() {
    let policy = allow(
        r#""Action": ["redshift:CreateCluster", "redshift:CreateTags"], "Resource": "*",
           "Condition": {"StringEquals": {"aws:RequestTag/usage": "production"},
                         "ForAllValues:StringEquals": {"aws:TagKeys": ["costcenter", "usage"]}}"#,
    );
    for (tags, allowed) in [
        (&[("usage", "production")][..], true),
        (&[("usage", "production"), ("costcenter", "7")][..], true),
        (&[("usage", "production"), ("owner", "x")][..], false),
        (&[("usage", "test")][..], false),
        (&[][..], false),
    ] {
        let mut request = request("redshift:CreateCluster", &[&format!("{C}a")]);
        request.keys.set_request_tags(tags.iter().copied());
        assert_eq!(ask(&policy, &request).is_allowed(), allowed, "{tags:?}");
    }
}

#[test]
fn cluster_credentials() {
    let policy = identity(
        r#"{"Version": "2012-10-17", "Statement": [
          {"Effect": "Allow", "Action": ["redshift:GetClusterCredentials"],
           "Resource": ["arn:aws:redshift:us-west-2:123456789012:dbuser:examplecluster/${redshift:DbUser}",
                        "arn:aws:redshift:us-west-2:123456789012:dbname:examplecluster/testdb",
                        "arn:aws:redshift:us-west-2:123456789012:dbgroup:examplecluster/common_group"],
           "Condition": {"StringEquals": {"aws:userid": "AROALOADER:${redshift:DbUser}@yourdomain.com"}}},
          {"Effect": "Allow", "Action": ["redshift:CreateClusterUser"],
           "Resource": ["arn:aws:redshift:us-west-2:123456789012:dbuser:examplecluster/${redshift:DbUser}"],
           "Condition": {"StringEquals": {"aws:userid": "AROALOADER:${redshift:DbUser}@yourdomain.com"}}},
          {"Effect": "Allow", "Action": ["redshift:JoinGroup"],
           "Resource": ["arn:aws:redshift:us-west-2:123456789012:dbgroup:examplecluster/common_group"]}]}"#,
    );
    let policies = Policies {
        identity: vec![Named::new("p", &policy)],
        ..Policies::default()
    };
    let place = arn::Place::new("us-west-2", ACCOUNT);
    for (who, db_user, cluster, database, allowed) in [
        (
            "jane@yourdomain.com",
            "jane",
            "examplecluster",
            "testdb",
            true,
        ),
        (
            "jane@yourdomain.com",
            "joe",
            "examplecluster",
            "testdb",
            false,
        ),
        (
            "jane@elsewhere.com",
            "jane",
            "examplecluster",
            "testdb",
            false,
        ),
        ("jane@yourdomain.com", "jane", "other", "testdb", false),
        // Every resource that the call touches must be allowed.
        (
            "jane@yourdomain.com",
            "jane",
            "examplecluster",
            "dev",
            false,
        ),
        // A star is a character like any other where a variable stands for it.
        ("*@yourdomain.com", "*", "examplecluster", "testdb", true),
        (
            "jane@yourdomain.com",
            "*",
            "examplecluster",
            "testdb",
            false,
        ),
    ] {
        let principal = Principal::session(ACCOUNT, "/", "loader", "AROALOADER", who);
        let request = Request::new(
            "redshift:GetClusterCredentials",
            [
                Resource::new(arn::dbuser(&place, cluster, db_user)),
                Resource::new(arn::dbname(&place, cluster, database)),
            ],
        )
        .with("redshift:DbUser", db_user);
        let decision = evaluate(&principal, &request, &policies);
        assert_eq!(
            decision.is_allowed(),
            allowed,
            "{who} {db_user} {cluster} {database}"
        );
    }
    let join = |group: &str| {
        let arn = arn::dbgroup(&place, "examplecluster", group);
        let request = Request::new("redshift:JoinGroup", [Resource::new(arn)]);
        evaluate(&user(), &request, &policies).is_allowed()
    };
    assert!(join("common_group"));
    assert!(!join("admins"));
}

#[test]
fn names_of_database_users() {
    let policy = identity(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "redshift:GetClusterCredentials",
            "Resource": "arn:aws:redshift:us-west-2:123456789012:dbuser:*/temp_*"}}"#,
    );
    for (arn, allowed) in [
        (
            "arn:aws:redshift:us-west-2:123456789012:dbuser:any/temp_1",
            true,
        ),
        (
            "arn:aws:redshift:us-west-2:123456789012:dbuser:any/admin",
            false,
        ),
        (
            "arn:aws:redshift:us-west-2:444455556666:dbuser:any/temp_1",
            false,
        ),
    ] {
        let decision = ask(&policy, &request("redshift:GetClusterCredentials", &[arn]));
        assert_eq!(decision.is_allowed(), allowed, "{arn}");
    }
}

#[test]
fn the_older_language_has_no_variables() {
    let text = |version: &str| {
        identity(&format!(
            r#"{{{version} "Statement": {{"Effect": "Allow", "Action": "redshift:GetClusterCredentials",
               "Resource": "arn:aws:redshift:us-west-2:123456789012:dbuser:c/${{redshift:DbUser}}"}}}}"#
        ))
    };
    let arn = "arn:aws:redshift:us-west-2:123456789012:dbuser:c/jane";
    let request = request("redshift:GetClusterCredentials", &[arn]).with("redshift:DbUser", "jane");
    assert!(ask(&text(r#""Version": "2012-10-17","#), &request).is_allowed());
    assert!(!ask(&text(r#""Version": "2008-10-17","#), &request).is_allowed());
    assert!(!ask(&text(""), &request).is_allowed());
}

#[test]
fn datashares() {
    let policy = identity(
        r#"{"Statement": [{"Effect": "Allow", "Action": ["redshift:AuthorizeDataShare", "redshift:DeauthorizeDataShare"],
            "Resource": ["arn:aws:redshift:us-east-1:123456789012:datashare:86b5169f-01dc-4a6f-9fbb-e2e24359e9a8/*"]}]}"#,
    );
    for (share, allowed) in [
        ("86b5169f-01dc-4a6f-9fbb-e2e24359e9a8/sales", true),
        ("00000000-01dc-4a6f-9fbb-e2e24359e9a8/sales", false),
    ] {
        let arn = format!("arn:aws:redshift:us-east-1:123456789012:datashare:{share}");
        let decision = ask(&policy, &request("redshift:AuthorizeDataShare", &[&arn]));
        assert_eq!(decision.is_allowed(), allowed, "{share}");
    }
}

#[test]
fn copy_and_restore_of_snapshots() {
    let policy = identity(
        r#"{"Version": "2012-10-17", "Statement": [
          {"Effect": "Allow", "Action": "redshift:CopyClusterSnapshot",
           "Resource": "arn:aws:redshift:us-west-2:123456789012:snapshot:big-cluster-1/*"},
          {"Effect": "Allow", "Action": "redshift:RestoreFromClusterSnapshot",
           "Resource": ["arn:aws:redshift:us-west-2:123456789012:snapshot:*/snapshot-for-restore*",
                        "arn:aws:redshift:us-west-2:123456789012:cluster:*"]},
          {"Effect": "Allow", "Action": "redshift:RevokeSnapshotAccess",
           "Resource": "arn:aws:redshift:us-west-2:123456789012:snapshot:*/revokable*"}]}"#,
    );
    let s = "arn:aws:redshift:us-west-2:123456789012:snapshot:";
    for (action, arns, allowed) in [
        (
            "redshift:CopyClusterSnapshot",
            vec![format!("{s}big-cluster-1/x")],
            true,
        ),
        (
            "redshift:CopyClusterSnapshot",
            vec![format!("{s}small/x")],
            false,
        ),
        (
            "redshift:RestoreFromClusterSnapshot",
            vec![format!("{s}a/snapshot-for-restore-1"), format!("{C}new")],
            true,
        ),
        (
            "redshift:RestoreFromClusterSnapshot",
            vec![format!("{s}a/other"), format!("{C}new")],
            false,
        ),
        (
            "redshift:RevokeSnapshotAccess",
            vec![format!("{s}any/revokable-7")],
            true,
        ),
        (
            "redshift:RevokeSnapshotAccess",
            vec![format!("{s}any/kept")],
            false,
        ),
    ] {
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        let decision = ask(&policy, &request(action, &arns));
        assert_eq!(decision.is_allowed(), allowed, "{action} {arns:?}");
    }
}

#[test]
fn restore_from_another_account() {
    let policy = identity(
        r#"{"Version": "2012-10-17", "Statement": [
          {"Effect": "Allow", "Action": "redshift:DescribeClusterSnapshots", "Resource": "*"},
          {"Effect": "Allow", "Action": "redshift:RestoreFromClusterSnapshot",
           "Resource": ["arn:aws:redshift:us-west-2:444455556666:snapshot:*/*",
                        "arn:aws:redshift:us-west-2:123456789012:cluster:from-other-account*"]}]}"#,
    );
    let snapshot = "arn:aws:redshift:us-west-2:444455556666:snapshot:shared/s";
    for (cluster, allowed) in [("from-other-account-1", true), ("mine", false)] {
        // That the snapshot is shared is for its owner's list, not for a policy: it is asked for as a
        // resource of the caller.
        let shared = Resource::new(snapshot).owned_by(ACCOUNT);
        let new = Resource::new(format!("{C}{cluster}"));
        let decision = ask(
            &policy,
            &Request::new("redshift:RestoreFromClusterSnapshot", [shared, new]),
        );
        assert_eq!(decision.is_allowed(), allowed, "{cluster}");
    }
    assert!(ask(&policy, &request("redshift:DescribeClusterSnapshots", &[])).is_allowed());
}

#[test]
fn own_statements_of_the_data_api() {
    let editor =
        managed::policy("arn:aws:iam::aws:policy/AmazonRedshiftQueryEditor").expect("built in");
    for (owner, allowed) in [("AIDAANN", true), ("AIDABOB", false)] {
        let request = request("redshift-data:GetStatementResult", &[])
            .with("redshift-data:statement-owner-iam-userid", owner);
        assert_eq!(ask(editor, &request).is_allowed(), allowed, "{owner}");
    }
    assert!(ask(editor, &request("redshift-data:ExecuteStatement", &[])).is_allowed());
    assert!(
        !ask(
            editor,
            &request("redshift:DeleteCluster", &[&format!("{C}a")])
        )
        .is_allowed()
    );
}

#[test]
fn sharing_by_team() {
    let read = managed::policy("arn:aws:iam::aws:policy/AmazonRedshiftQueryEditorV2ReadSharing")
        .expect("built in");
    let write =
        managed::policy("arn:aws:iam::aws:policy/AmazonRedshiftQueryEditorV2ReadWriteSharing")
            .expect("built in");
    let none = managed::policy("arn:aws:iam::aws:policy/AmazonRedshiftQueryEditorV2NoSharing")
        .expect("built in");
    let member = user().with_tags([("sqlworkbench-team", "accounting")]);
    for (policy, action, team, allowed) in [
        (read, "sqlworkbench:GetSavedQuery", "accounting", true),
        (read, "sqlworkbench:GetSavedQuery", "sales", false),
        (read, "sqlworkbench:UpdateSavedQuery", "accounting", false),
        (write, "sqlworkbench:UpdateSavedQuery", "accounting", true),
        (none, "sqlworkbench:GetSavedQuery", "accounting", false),
    ] {
        let query =
            Resource::new("arn:aws:sqlworkbench:us-west-2:123456789012:query/1").with_tags([
                ("sqlworkbench-team", team),
                ("sqlworkbench-resource-owner", "AIDABOB"),
            ]);
        let policies = Policies {
            identity: vec![Named::new("p", policy)],
            ..Policies::default()
        };
        let decision = evaluate(&member, &Request::new(action, [query]), &policies);
        assert_eq!(decision.is_allowed(), allowed, "{action} {team}");
    }
    // Without a team of one's own, no team is one's own.
    let query = Resource::new("arn:aws:sqlworkbench:us-west-2:123456789012:query/1")
        .with_tags([("sqlworkbench-team", "")]);
    assert!(!ask(read, &Request::new("sqlworkbench:GetSavedQuery", [query])).is_allowed());
}

#[test]
fn the_data_api_policy() {
    let data =
        managed::policy("arn:aws:iam::aws:policy/AmazonRedshiftDataFullAccess").expect("built in");
    let place = arn::Place::new("us-west-2", ACCOUNT);
    let wg = arn::workgroup(&place, "1");
    for (action, resource, allowed) in [
        (
            "redshift-data:BatchExecuteStatement",
            Resource::new("*"),
            true,
        ),
        (
            "redshift:GetClusterCredentials",
            Resource::new(arn::dbuser(&place, "c", "redshift_data_api_user")),
            true,
        ),
        (
            "redshift:GetClusterCredentials",
            Resource::new(arn::dbuser(&place, "c", "awsuser")),
            false,
        ),
        (
            "redshift:CreateClusterUser",
            Resource::new(arn::dbuser(&place, "c", "redshift_data_api_user")),
            false,
        ),
        // Any value of the tag will do, but it must be there.
        (
            "redshift-serverless:GetCredentials",
            Resource::new(wg.as_str()).with_tags([("RedshiftDataFullAccess", "x")]),
            true,
        ),
        (
            "redshift-serverless:GetCredentials",
            Resource::new(wg.as_str()),
            false,
        ),
        (
            "secretsmanager:GetSecretValue",
            Resource::new(arn::secret(&place, "s", "a1b2c3"))
                .with_tags([("RedshiftDataFullAccess", "")]),
            true,
        ),
    ] {
        let name = resource.arn.clone();
        let decision = ask(data, &Request::new(action, [resource]));
        assert_eq!(decision.is_allowed(), allowed, "{action} {name}");
    }
}

#[test]
fn policies_of_endpoints() {
    let admin = managed::policy("arn:aws:iam::aws:policy/AdministratorAccess").expect("built in");
    let role = Principal::session(ACCOUNT, "/", "redshiftrole", "AROAR", "s");
    let stranger = Principal::user(OTHER, "/", "eve", "AIDAEVE");
    let all = r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#;
    for (name, statements, principal, action, arn, allowed) in [
        (
            "all but one account",
            format!(
                r#"[{all}, {{"Effect": "Deny", "Principal": {{"AWS": ["444455556666"]}}, "Action": "*", "Resource": "*"}}]"#
            ),
            &stranger,
            "redshift:DescribeClusters",
            "*",
            false,
        ),
        (
            "one role",
            r#"[{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::123456789012:role/redshiftrole"]}, "Action": "*", "Resource": "*"}]"#.to_owned(),
            &role,
            "redshift:DescribeClusters",
            "*",
            true,
        ),
        (
            "one role, another asks",
            r#"[{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::123456789012:role/redshiftrole"]}, "Action": "*", "Resource": "*"}]"#.to_owned(),
            &user(),
            "redshift:DescribeClusters",
            "*",
            false,
        ),
        (
            "reading only",
            r#"[{"Effect": "Allow", "Principal": {"AWS": ["123456789012"]}, "Action": ["redshift:DescribeTags"], "Resource": "*"}]"#.to_owned(),
            &user(),
            "redshift:CreateTags",
            "*",
            false,
        ),
        (
            "one cluster denied",
            format!(
                r#"[{all}, {{"Effect": "Deny", "Principal": {{"AWS": ["123456789012"]}}, "Action": "redshift:*", "Resource": "arn:aws:redshift:us-east-1:123456789012:cluster:redshift-cluster-1"}}]"#
            ),
            &user(),
            "redshift:PauseCluster",
            "arn:aws:redshift:us-east-1:123456789012:cluster:redshift-cluster-1",
            false,
        ),
        (
            "calls without a cluster stay allowed",
            format!(
                r#"[{all}, {{"Effect": "Deny", "Principal": {{"AWS": ["123456789012"]}}, "Action": "redshift:*", "Resource": "arn:aws:redshift:us-east-1:123456789012:cluster:redshift-cluster-1"}}]"#
            ),
            &user(),
            "redshift:DescribeEventCategories",
            "*",
            true,
        ),
    ] {
        let endpoint = resource(&format!(r#"{{"Statement": {statements}}}"#));
        let policies = Policies {
            identity: vec![Named::new("admin", admin)],
            endpoint: Some(Named::new("vpce-1", &endpoint)),
            ..Policies::default()
        };
        let decision = evaluate(principal, &request(action, &[arn]), &policies);
        assert_eq!(decision.is_allowed(), allowed, "{name}: {decision:?}");
    }
}

#[test]
fn guards_against_other_bearers() {
    // A role that the service linked to an owner's tag manages (names begin with "redshift!").
    let linked = managed::policy(
        "arn:aws:iam::aws:policy/aws-service-role/AmazonRedshiftServiceLinkedRolePolicy",
    )
    .expect("built in");
    for (name, owner, allowed) in [
        ("redshift!c-awsuser", "redshift", true),
        ("redshift!c-awsuser", "rds", false),
        ("mine", "redshift", false),
    ] {
        let place = arn::Place::new("us-west-2", ACCOUNT);
        let secret = Resource::new(arn::secret(&place, name, "a1b2c3"))
            .with_tags([("aws:secretsmanager:owningService", owner)]);
        let decision = ask(
            linked,
            &Request::new("secretsmanager:RotateSecret", [secret]),
        );
        assert_eq!(decision.is_allowed(), allowed, "{name} {owner}");
    }
}
