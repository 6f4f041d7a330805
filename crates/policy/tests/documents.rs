//! What is a policy and what is not: each text with the complaint it gets and where.

use lw_policy::{Kind, Policy, Version};

fn identity(statement: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#)
}

#[test]
fn accepted() {
    for (kind, text) in [
        // One statement without an array, texts without arrays, a Sid with a space, no version.
        (
            Kind::Identity,
            r#"{"Statement": {"Sid": "Tagging permissions", "Effect": "Allow", "Action": "redshift:CreateTags", "Resource": "*"}}"#,
        ),
        (
            Kind::Identity,
            r#"{"Version": "2008-10-17", "Id": "x", "Statement": [{"Effect": "Deny", "NotAction": ["iam:*"], "NotResource": ["arn:aws:s3:::b/*"]}]}"#,
        ),
        // An ARN with fewer parts than six.
        (
            Kind::Identity,
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:redshift:us-west-2:*"}]}"#,
        ),
        // Values that are not texts.
        (
            Kind::Identity,
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "redshift:GetClusterCredentials", "Resource": "*",
                "Condition": {"NumericLessThanEquals": {"redshift:DurationSeconds": 900}, "Bool": {"aws:SecureTransport": true}}}]}"#,
        ),
        (
            Kind::Trust,
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Principal": {"Service": ["redshift.amazonaws.com", "scheduler.redshift.amazonaws.com"], "AWS": "123456789012"}}]}"#,
        ),
        (
            Kind::Resource,
            r#"{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "redshift:*", "Resource": "*"},
                {"Effect": "Allow", "NotPrincipal": {"AWS": ["arn:aws:iam::123456789012:role/a/b", "arn:aws:sts::123456789012:assumed-role/b/s"]}, "Action": "*"}]}"#,
        ),
    ] {
        let parsed = Policy::parse(text, kind);
        assert!(parsed.is_ok(), "{text}: {parsed:?}");
    }
    let old = Policy::parse(
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
        Kind::Identity,
    );
    assert_eq!(old.map(|p| p.version), Ok(Version::Old));
}

#[test]
fn malformed_identity_policies() {
    for (statement, message, at) in [
        ("3", "a statement is an object", "Statement[0]"),
        (
            r#"{"Action": "a:b", "Resource": "*"}"#,
            "\"Effect\" is missing",
            "Statement[0]",
        ),
        (
            r#"{"Effect": "allow", "Action": "a:b", "Resource": "*"}"#,
            "not \"allow\"",
            "Statement[0].Effect",
        ),
        (
            r#"{"Effect": "Allow", "Resource": "*"}"#,
            "Policy statement must contain actions.",
            "Statement[0]",
        ),
        (
            r#"{"Effect": "Allow", "Action": [], "Resource": "*"}"#,
            "Policy statement must contain actions.",
            "Statement[0].Action",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b"}"#,
            "Policy statement must contain resources.",
            "Statement[0]",
        ),
        (
            r#"{"Effect": "Allow", "Action": "CreateCluster", "Resource": "*"}"#,
            "Actions/Conditions must be prefaced by a vendor",
            "Statement[0].Action",
        ),
        // As the guide prints it.
        (
            r#"{"Effect": "Allow", "Action": ["sagemaker:ListTags", "sagemaker::CreateEndpoint"], "Resource": "*"}"#,
            "only one colon",
            "Statement[0].Action",
        ),
        (
            r#"{"Effect": "Allow", "Action": "re*shift:Describe", "Resource": "*"}"#,
            "Vendor re*shift is not valid",
            "Statement[0].Action",
        ),
        // A page break of the guide.
        (
            r#"{"Effect": "Allow", "Action": "redshift>DeleteCluster", "Resource": "*"}"#,
            "must be prefaced by a vendor",
            "Statement[0].Action",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "cluster:x"}"#,
            "must be in ARN format",
            "Statement[0].Resource",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "arn:azure:x:::y"}"#,
            "Partition \"azure\" is not valid",
            "Statement[0].Resource",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "arn:aws:*:us-west-2:1:x"}"#,
            "Resource vendor must be fully qualified",
            "Statement[0].Resource",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "arn:aws:s3:::${aws:username"}"#,
            "failed legacy parsing",
            "Statement[0].Resource",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "NotAction": "a:c", "Resource": "*"}"#,
            "\"NotAction\" stands beside its opposite",
            "Statement[0]",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Principal": "*"}"#,
            "should not specify a principal",
            "Statement[0]",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Comment": "x"}"#,
            "unknown element \"Comment\"",
            "Statement[0]",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"StringSimilar": {"a:b": "c"}}}"#,
            "\"StringSimilar\" is not a condition operator",
            "Statement[0].Condition.StringSimilar.a:b",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"StringEquals": {"username": "c"}}}"#,
            "must be prefaced by a vendor",
            "Statement[0].Condition.StringEquals.username",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}}"#,
            "\"soon\" is not a date",
            "Statement[0].Condition.DateLessThan.aws:CurrentTime",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}}"#,
            "is not an address",
            "Statement[0].Condition.IpAddress.aws:SourceIp",
        ),
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"StringEquals": {"aws:userid": {"a": "b"}}}}"#,
            "a value is not an object",
            "Statement[0].Condition.StringEquals.aws:userid",
        ),
        (
            r#"{"Sid": "A", "Effect": "Allow", "Action": "a:b", "Resource": "*"}, {"Sid": "A", "Effect": "Deny", "Action": "a:c", "Resource": "*"}"#,
            "must be unique",
            "Statement[1].Sid",
        ),
        // The second condition would quietly have taken the first one's place.
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"Bool": {"a:b": true}}, "Condition": {}}"#,
            "duplicate name \"Condition\"",
            "",
        ),
        // A trailing comma.
        (
            r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*",}"#,
            "Syntax errors",
            "",
        ),
    ] {
        match Policy::parse(&identity(statement), Kind::Identity) {
            Ok(_) => panic!("accepted: {statement}"),
            Err(e) => {
                assert!(e.message.contains(message), "{statement}: {e}");
                assert_eq!(e.at, at, "{statement}: {e}");
            }
        }
    }
}

#[test]
fn malformed_documents() {
    for (kind, text, message) in [
        (Kind::Identity, "", "Syntax errors in policy."),
        (Kind::Identity, "[]", "a policy is an object, not an array"),
        (Kind::Identity, "{}", "\"Statement\" is missing"),
        (Kind::Identity, r#"{"Statement": []}"#, "no statement"),
        (
            Kind::Identity,
            r#"{"Statement": [], "Rules": []}"#,
            "unknown element \"Rules\"",
        ),
        (
            Kind::Identity,
            r#"{"Version": "2024-01-01", "Statement": []}"#,
            "unknown version \"2024-01-01\"",
        ),
        (
            Kind::Trust,
            r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole"}}"#,
            "Missing required field Principal",
        ),
        (
            Kind::Trust,
            r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}}"#,
            "Has prohibited field Resource",
        ),
        (
            Kind::Trust,
            r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}}"#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            Kind::Trust,
            r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/data*"}, "Action": "sts:AssumeRole"}}"#,
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/data*\"",
        ),
        (
            Kind::Trust,
            r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "12345"}, "Action": "sts:AssumeRole"}}"#,
            "Invalid principal in policy",
        ),
        (
            Kind::Trust,
            r#"{"Statement": {"Effect": "Allow", "Principal": {"Service": "*"}, "Action": "sts:AssumeRole"}}"#,
            "Invalid principal in policy",
        ),
        (
            Kind::Trust,
            r#"{"Statement": {"Effect": "Allow", "Principal": "anybody", "Action": "sts:AssumeRole"}}"#,
            "Invalid principal in policy",
        ),
        (
            Kind::Resource,
            r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": []}, "Action": "kms:*", "Resource": "*"}}"#,
            "cannot be empty",
        ),
    ] {
        match Policy::parse(text, kind) {
            Ok(_) => panic!("accepted: {text}"),
            Err(e) => assert!(e.message.contains(message), "{text}: {e}"),
        }
    }
}
