//! The rules by which policies combine, and the condition operators.

mod common;

use common::*;
use lw_policy::*;

#[test]
fn conditions() {
    let mut keys = Keys::new();
    keys.set("aws:SourceIp", "203.0.113.77");
    keys.set("aws:UserAgent", "Boto3/1.40");
    keys.set("aws:SecureTransport", "true");
    keys.set("redshift:DurationSeconds", "900");
    keys.set("aws:CurrentTime", "2026-11-24T12:00:00Z");
    keys.set(
        "aws:SourceArn",
        "arn:aws:redshift:us-west-2:123456789012:cluster:a",
    );
    keys.set_all("aws:TagKeys", ["usage", "costcenter"]);
    keys.set("x:empty", "");
    keys.set("x:six", "2001:db8::1");
    for (condition, expected) in [
        // Texts
        (r#"{"StringEquals": {"aws:UserAgent": "Boto3/1.40"}}"#, true),
        (
            r#"{"StringEquals": {"aws:useragent": ["x", "Boto3/1.40"]}}"#,
            true,
        ),
        (r#"{"StringEquals": {"aws:UserAgent": "Boto3/*"}}"#, false),
        (
            r#"{"StringEquals": {"aws:UserAgent": "boto3/1.40"}}"#,
            false,
        ),
        (
            r#"{"StringEqualsIgnoreCase": {"aws:UserAgent": "boto3/1.40"}}"#,
            true,
        ),
        (
            r#"{"StringNotEqualsIgnoreCase": {"aws:UserAgent": "boto3/1.40"}}"#,
            false,
        ),
        (r#"{"StringLike": {"aws:UserAgent": "Boto?/*"}}"#, true),
        (
            r#"{"StringNotLike": {"aws:UserAgent": ["a*", "B*"]}}"#,
            false,
        ),
        (
            r#"{"StringNotEquals": {"aws:UserAgent": ["a", "b"]}}"#,
            true,
        ),
        (r#"{"StringEquals": {"x:empty": ""}}"#, true),
        (
            r#"{"StringEquals": {"aws:username": "${aws:username}"}}"#,
            true,
        ),
        (
            r#"{"StringEquals": {"aws:username": "${aws:PrincipalTag/name}"}}"#,
            false,
        ),
        (
            r#"{"StringEquals": {"aws:username": "${aws:PrincipalTag/name, 'ann'}"}}"#,
            true,
        ),
        (
            r#"{"StringNotEquals": {"aws:username": "${aws:PrincipalTag/name}"}}"#,
            true,
        ),
        // A key that is not there
        (r#"{"StringEquals": {"x:none": "a"}}"#, false),
        (r#"{"StringNotEquals": {"x:none": "a"}}"#, true),
        (r#"{"StringEqualsIfExists": {"x:none": "a"}}"#, true),
        (r#"{"StringEqualsIfExists": {"aws:UserAgent": "a"}}"#, false),
        (r#"{"NumericLessThan": {"x:none": "1"}}"#, false),
        (r#"{"NumericNotEquals": {"x:none": "1"}}"#, true),
        (r#"{"NotIpAddress": {"x:none": "10.0.0.0/8"}}"#, true),
        (
            r#"{"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}"#,
            true,
        ),
        (r#"{"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#, false),
        (r#"{"Null": {"x:none": "true"}}"#, true),
        (r#"{"Null": {"x:none": "false"}}"#, false),
        (r#"{"Null": {"aws:UserAgent": "false"}}"#, true),
        (r#"{"Null": {"aws:UserAgent": true}}"#, false),
        // Numbers
        (
            r#"{"NumericEquals": {"redshift:DurationSeconds": "900.0"}}"#,
            true,
        ),
        (
            r#"{"NumericLessThan": {"redshift:DurationSeconds": "900"}}"#,
            false,
        ),
        (
            r#"{"NumericLessThanEquals": {"redshift:DurationSeconds": 900}}"#,
            true,
        ),
        (
            r#"{"NumericGreaterThan": {"redshift:DurationSeconds": "899"}}"#,
            true,
        ),
        (
            r#"{"NumericGreaterThanEquals": {"redshift:DurationSeconds": "1000"}}"#,
            false,
        ),
        (r#"{"NumericEquals": {"aws:UserAgent": "1"}}"#, false),
        // Dates
        (
            r#"{"DateGreaterThan": {"aws:CurrentTime": "2026-11-24T13:00:00+02:00"}}"#,
            true,
        ),
        (
            r#"{"DateLessThan": {"aws:CurrentTime": "2026-11-25"}}"#,
            true,
        ),
        (r#"{"DateLessThan": {"aws:CurrentTime": "1"}}"#, false),
        (
            r#"{"DateEquals": {"aws:CurrentTime": "2026-11-24T12:00:00Z"}}"#,
            true,
        ),
        (
            r#"{"DateNotEquals": {"aws:CurrentTime": "2026-11-24T12:00:00Z"}}"#,
            false,
        ),
        (
            r#"{"DateLessThanEquals": {"aws:CurrentTime": "2026-11-24T12:00:00Z"}}"#,
            true,
        ),
        (
            r#"{"DateGreaterThanEquals": {"aws:CurrentTime": "2026-11-24T12:00:01Z"}}"#,
            false,
        ),
        // The rest
        (r#"{"Bool": {"aws:SecureTransport": "True"}}"#, true),
        (r#"{"Bool": {"aws:SecureTransport": false}}"#, false),
        (r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#, true),
        (
            r#"{"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "203.0.113.77"]}}"#,
            true,
        ),
        (
            r#"{"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "203.0.113.0/24"]}}"#,
            false,
        ),
        (r#"{"IpAddress": {"x:six": "2001:db8::/32"}}"#, true),
        (r#"{"IpAddress": {"x:six": "203.0.113.0/24"}}"#, false),
        (
            r#"{"ArnLike": {"aws:SourceArn": "arn:aws:redshift:*:123456789012:cluster:*"}}"#,
            true,
        ),
        (
            r#"{"ArnEquals": {"aws:SourceArn": "arn:aws:redshift:us-west-?:*:cluster:a"}}"#,
            true,
        ),
        (
            r#"{"ArnNotLike": {"aws:SourceArn": "arn:aws:redshift:*:444455556666:*"}}"#,
            true,
        ),
        (
            r#"{"ArnNotEquals": {"aws:SourceArn": "arn:aws:redshift:*:123456789012:*"}}"#,
            false,
        ),
        (
            r#"{"ArnLike": {"aws:SourceArn": "arn:aws:*redshift*:cluster:a"}}"#,
            false,
        ),
        // Several values
        (
            r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["usage", "costcenter", "x"]}}"#,
            true,
        ),
        (
            r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["usage"]}}"#,
            false,
        ),
        (
            r#"{"ForAllValues:StringEquals": {"x:none": ["usage"]}}"#,
            true,
        ),
        (
            r#"{"ForAnyValue:StringEquals": {"aws:TagKeys": ["usage"]}}"#,
            true,
        ),
        (
            r#"{"ForAnyValue:StringEquals": {"x:none": ["usage"]}}"#,
            false,
        ),
        (
            r#"{"ForAnyValue:StringEqualsIfExists": {"x:none": ["usage"]}}"#,
            true,
        ),
        (
            r#"{"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["usage"]}}"#,
            true,
        ),
        (
            r#"{"ForAllValues:StringNotEquals": {"aws:TagKeys": ["usage"]}}"#,
            false,
        ),
        (
            r#"{"ForAllValues:StringLike": {"aws:TagKeys": ["u*", "c*"]}}"#,
            true,
        ),
        // All lines and all operators must hold.
        (
            r#"{"StringLike": {"aws:UserAgent": "Boto*", "aws:username": "bob"}}"#,
            false,
        ),
        (
            r#"{"StringLike": {"aws:UserAgent": "Boto*"}, "Bool": {"aws:SecureTransport": "true"}}"#,
            true,
        ),
        (r#"{}"#, true),
    ] {
        let policy = allow(&format!(
            r#""Action": "redshift:*", "Resource": "*", "Condition": {condition}"#
        ));
        let mut request = request("redshift:DescribeClusters", &[]);
        request.keys = keys.clone();
        assert_eq!(ask(&policy, &request).is_allowed(), expected, "{condition}");
    }
}

#[test]
fn keys_of_principals() {
    let path = |name: &str| Some(format!("arn:aws:iam::123456789012:{name}"));
    for (principal, id, arn, user_id, kind, identity) in [
        (
            Principal::root(ACCOUNT),
            "arn:aws:iam::123456789012:root",
            path("root"),
            Some(ACCOUNT),
            "Account",
            None,
        ),
        (
            user(),
            "arn:aws:iam::123456789012:user/ann",
            path("user/ann"),
            Some("AIDAANN"),
            "User",
            Some("ann"),
        ),
        (
            session(),
            "arn:aws:sts::123456789012:assumed-role/loader/bob",
            path("role/data/loader"),
            Some("AROALOADER:bob"),
            "AssumedRole",
            None,
        ),
    ] {
        let keys = principal.keys();
        assert_eq!(principal.arn(), id);
        assert_eq!(keys.single("aws:PrincipalArn").map(str::to_owned), arn);
        assert_eq!(keys.single("aws:userid"), user_id);
        assert_eq!(keys.single("aws:PrincipalType"), Some(kind));
        assert_eq!(keys.single("aws:username"), identity);
        assert_eq!(keys.single("aws:PrincipalAccount"), Some(ACCOUNT));
    }
    // What a request says of its principal counts for nothing.
    let policy = allow(
        r#""Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:username": "bob"}}"#,
    );
    let request = request("redshift:DescribeClusters", &[]).with("aws:username", "bob");
    assert!(!ask(&policy, &request).is_allowed());
}

#[test]
fn negated_elements() {
    let policy =
        allow(r#""NotAction": ["iam:*", "sts:*"], "NotResource": "arn:aws:s3:::secret/*""#);
    for (action, arn, allowed) in [
        ("s3:GetObject", "arn:aws:s3:::open/k", true),
        ("s3:GetObject", "arn:aws:s3:::secret/k", false),
        ("iam:CreateUser", "*", false),
        ("redshift:DescribeClusters", "*", true),
    ] {
        let decision = ask(&policy, &request(action, &[arn]));
        assert_eq!(decision.is_allowed(), allowed, "{action} {arn}");
    }
    // A variable that stands for nothing excludes nothing.
    let policy = allow(r#""Action": "*", "NotResource": "arn:aws:s3:::${aws:PrincipalTag/b}/*""#);
    assert!(ask(&policy, &request("s3:GetObject", &["arn:aws:s3:::b/k"])).is_allowed());
}

/// Who asks; own policies, boundary, session policies, policy of the resource: each `None`, or what it
/// allows (`a`: the action asked for, `b`: another, `!a`: denies it).
#[test]
fn combinations() {
    let of = |word: &str| match word {
        "!a" => identity(
            r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:a", "Resource": "*"}]}"#,
        ),
        word => identity(&format!(
            r#"{{"Statement": {{"Effect": "Allow", "Action": "s3:{word}", "Resource": "*"}}}}"#
        )),
    };
    let with = |effect: &str, principal: &str| {
        resource(&format!(
            r#"{{"Statement": {{"Effect": "{effect}", "Principal": {principal}, "Action": "s3:a", "Resource": "*"}}}}"#
        ))
    };
    let account = r#"{"AWS": "arn:aws:iam::123456789012:root"}"#;
    let ann = r#"{"AWS": "arn:aws:iam::123456789012:user/ann"}"#;
    let role = r#"{"AWS": "arn:aws:iam::123456789012:role/data/loader"}"#;
    let bob = r#"{"AWS": "arn:aws:sts::123456789012:assumed-role/loader/bob"}"#;
    let everyone = r#""*""#;
    use PolicyType::*;
    let root = Principal::root(ACCOUNT);
    let (user, session) = (user(), session());
    let stranger = Principal::user(OTHER, "/", "eve", "AIDAEVE");
    let service = Principal::service("redshift.amazonaws.com", "us-west-2");
    let rows: Vec<(
        &Principal,
        &str,
        &str,
        &str,
        Option<(&str, &str)>,
        Result<(), Denial>,
    )> = vec![
        // Own policies only
        (&user, "", "", "", None, Err(Denial::Implicit(Identity))),
        (&user, "a", "", "", None, Ok(())),
        (&user, "b", "", "", None, Err(Denial::Implicit(Identity))),
        (&root, "", "", "", None, Ok(())),
        // Boundary and session policies limit
        (&user, "a", "a", "", None, Ok(())),
        (&user, "a", "b", "", None, Err(Denial::Implicit(Boundary))),
        (&user, "", "a", "", None, Err(Denial::Implicit(Identity))),
        (&session, "a", "", "a", None, Ok(())),
        (&session, "a", "", "b", None, Err(Denial::Implicit(Session))),
        (&session, "", "", "a", None, Err(Denial::Implicit(Identity))),
        (
            &session,
            "a",
            "b",
            "b",
            None,
            Err(Denial::Implicit(Boundary)),
        ),
        // The resource's policy adds, if it names the principal and not only its account
        (&user, "", "", "", Some(("Allow", ann)), Ok(())),
        (&user, "", "", "", Some(("Allow", everyone)), Ok(())),
        (
            &user,
            "",
            "",
            "",
            Some(("Allow", account)),
            Err(Denial::Implicit(Identity)),
        ),
        (&user, "a", "", "", Some(("Allow", bob)), Ok(())),
        (
            &user,
            "",
            "",
            "",
            Some(("Allow", bob)),
            Err(Denial::Implicit(Identity)),
        ),
        // beyond the boundary of a user, but not that of a role, except for the very session
        (&user, "", "b", "", Some(("Allow", ann)), Ok(())),
        (
            &user,
            "",
            "b",
            "",
            Some(("Allow", everyone)),
            Err(Denial::Implicit(Boundary)),
        ),
        (&session, "", "", "", Some(("Allow", role)), Ok(())),
        (
            &session,
            "",
            "b",
            "",
            Some(("Allow", role)),
            Err(Denial::Implicit(Boundary)),
        ),
        (
            &session,
            "",
            "",
            "b",
            Some(("Allow", role)),
            Err(Denial::Implicit(Session)),
        ),
        (&session, "", "b", "b", Some(("Allow", bob)), Ok(())),
        // Across accounts both must allow
        (&stranger, "a", "", "", Some(("Allow", everyone)), Ok(())),
        (
            &stranger,
            "a",
            "",
            "",
            Some(("Allow", r#"{"AWS": "444455556666"}"#)),
            Ok(()),
        ),
        (
            &stranger,
            "a",
            "",
            "",
            None,
            Err(Denial::Implicit(Resource)),
        ),
        (
            &stranger,
            "a",
            "",
            "",
            Some(("Allow", ann)),
            Err(Denial::Implicit(Resource)),
        ),
        (
            &stranger,
            "",
            "",
            "",
            Some(("Allow", everyone)),
            Err(Denial::Implicit(Identity)),
        ),
        // Services have no policies of their own
        (
            &service,
            "",
            "",
            "",
            Some(("Allow", r#"{"Service": "redshift.amazonaws.com"}"#)),
            Ok(()),
        ),
        (
            &service,
            "",
            "",
            "",
            Some((
                "Allow",
                r#"{"Service": "redshift.us-west-2.amazonaws.com"}"#,
            )),
            Ok(()),
        ),
        (
            &service,
            "",
            "",
            "",
            Some((
                "Allow",
                r#"{"Service": "redshift.eu-west-1.amazonaws.com"}"#,
            )),
            Err(Denial::Implicit(Resource)),
        ),
        (&service, "a", "", "", None, Err(Denial::Implicit(Resource))),
    ];
    for (number, (principal, own, boundary, given, on_resource, expected)) in
        rows.into_iter().enumerate()
    {
        let own = (!own.is_empty()).then(|| of(own));
        let boundary = (!boundary.is_empty()).then(|| of(boundary));
        let given = (!given.is_empty()).then(|| of(given));
        let on_resource = on_resource.map(|(effect, principal)| with(effect, principal));
        let policies = Policies {
            identity: own.iter().map(|p| Named::new("own", p)).collect(),
            boundary: boundary.as_ref().map(|p| Named::new("boundary", p)),
            session: given.as_ref().map(|p| vec![Named::new("session", p)]),
            resource: on_resource.as_ref().map(|p| Named::new("bucket", p)),
            ..Policies::default()
        };
        let bucket = lw_policy::Resource::new("arn:aws:s3:::b").owned_by(ACCOUNT);
        let decision = evaluate(principal, &Request::new("s3:a", [bucket]), &policies);
        let got = match decision {
            Decision::Allowed(_) => Ok(()),
            Decision::Denied { why, .. } => Err(why),
        };
        assert_eq!(got, expected, "row {number}");
    }
    // Wherever the deny stands, it decides.
    let all = of("*");
    let deny = of("!a");
    let deny_there = with("Deny", everyone);
    let bucket = || lw_policy::Resource::new("arn:aws:s3:::b").owned_by(ACCOUNT);
    let base = Policies {
        identity: vec![Named::new("own", &all)],
        ..Policies::default()
    };
    for (policies, expected) in [
        (
            Policies {
                identity: vec![Named::new("own", &all), Named::new("no", &deny)],
                ..base.clone()
            },
            Identity,
        ),
        (
            Policies {
                boundary: Some(Named::new("no", &deny)),
                ..base.clone()
            },
            Boundary,
        ),
        (
            Policies {
                session: Some(vec![Named::new("no", &deny)]),
                ..base.clone()
            },
            Session,
        ),
        (
            Policies {
                resource: Some(Named::new("no", &deny_there)),
                ..base.clone()
            },
            Resource,
        ),
    ] {
        let decision = evaluate(&user, &Request::new("s3:a", [bucket()]), &policies);
        let Decision::Denied {
            why: Denial::Explicit(at),
            ..
        } = decision
        else {
            panic!("{expected:?}: {decision:?}");
        };
        assert_eq!((at.policy_type, at.policy.as_str()), (expected, "no"));
        assert!(evaluate(&user, &Request::new("s3:b", [bucket()]), &policies).is_allowed());
    }
}

#[test]
fn trust_policies() {
    let role = "arn:aws:iam::123456789012:role/loader";
    let may_assume =
        allow(r#""Action": "sts:AssumeRole", "Resource": "arn:aws:iam::123456789012:role/*""#);
    let service = Principal::service("redshift.amazonaws.com", "us-west-2");
    let plain = r#""Principal": {"Service": "redshift.amazonaws.com"}"#;
    let external = r#""Principal": {"Service": "redshift.amazonaws.com"},
        "Condition": {"StringEquals": {"sts:ExternalId": ["arn:aws:redshift:us-west-2:123456789012:dbuser:my-cluster/user1",
                                                          "arn:aws:redshift:us-west-2:123456789012:dbuser:my-cluster/user2"]}}"#;
    let named = r#""Principal": {"AWS": "arn:aws:iam::123456789012:user/ann"}"#;
    let account = r#""Principal": {"AWS": "arn:aws:iam::123456789012:root"}"#;
    let chained = r#""Principal": {"AWS": "arn:aws:iam::123456789012:role/data/loader"}"#;
    let saml = r#""Principal": {"Federated": "arn:aws:iam::123456789012:saml-provider/idp"}"#;
    let user1 = "arn:aws:redshift:us-west-2:123456789012:dbuser:my-cluster/user1";
    let user3 = "arn:aws:redshift:us-west-2:123456789012:dbuser:my-cluster/user3";
    let idp = Principal::federated("arn:aws:iam::123456789012:saml-provider/idp");
    for (number, (statement, principal, own, external_id, allowed)) in [
        (plain, &service, false, "", true),
        (external, &service, false, "", false),
        (external, &service, false, user1, true),
        (external, &service, false, user3, false),
        (named, &user(), false, "", true),
        (account, &user(), false, "", false),
        (account, &user(), true, "", true),
        // The caller's own policy is not enough.
        (plain, &user(), true, "", false),
        (chained, &session(), false, "", true),
        (saml, &idp, false, "", true),
        (saml, &service, false, "", false),
    ]
    .into_iter()
    .enumerate()
    {
        let trust = trust(&format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sts:AssumeRole", {statement}}}]}}"#
        ));
        let policies = Policies {
            identity: own
                .then(|| Named::new("own", &may_assume))
                .into_iter()
                .collect(),
            resource: Some(Named::new("trust", &trust)),
            resource_rule: ResourceRule::Trust,
            ..Policies::default()
        };
        let mut request = request("sts:AssumeRole", &[role]);
        if !external_id.is_empty() {
            request.keys.set("sts:ExternalId", external_id);
        }
        let decision = evaluate(principal, &request, &policies);
        assert_eq!(decision.is_allowed(), allowed, "row {number}: {decision:?}");
        if number == 7 {
            assert_eq!(
                decision
                    .message(&principal.arn(), "sts:AssumeRole")
                    .as_deref(),
                Some(
                    "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:AssumeRole because no role trust policy allows the sts:AssumeRole action"
                )
            );
        }
    }
}

#[test]
fn keys_of_kms_delegate_to_the_account() {
    let own = allow(r#""Action": "kms:*", "Resource": "*""#);
    let delegating = resource(
        r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}}"#,
    );
    let other = resource(
        r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/bob"}, "Action": "kms:*", "Resource": "*"}}"#,
    );
    for (key, own_policies, allowed) in [
        (&delegating, vec![Named::new("own", &own)], true),
        (&delegating, vec![], false),
        (&other, vec![Named::new("own", &own)], false),
    ] {
        let policies = Policies {
            identity: own_policies,
            resource: Some(Named::new("key", key)),
            resource_rule: ResourceRule::Required,
            ..Policies::default()
        };
        let request = request("kms:Decrypt", &["arn:aws:kms:us-west-2:123456789012:key/k"]);
        assert_eq!(evaluate(&user(), &request, &policies).is_allowed(), allowed);
    }
}

#[test]
fn messages() {
    let nothing = Policies::default();
    let action = "redshift:CreateCluster";
    let arn = "arn:aws:redshift:us-west-2:123456789012:cluster:a";
    let decision = evaluate(&session(), &request(action, &[arn]), &nothing);
    assert_eq!(
        decision.message(&session().arn(), action).as_deref(),
        Some(
            "User: arn:aws:sts::123456789012:assumed-role/loader/bob is not authorized to perform: redshift:CreateCluster on resource: arn:aws:redshift:us-west-2:123456789012:cluster:a because no identity-based policy allows the redshift:CreateCluster action"
        )
    );
    let decision = evaluate(
        &Principal::root(ACCOUNT),
        &request(action, &[arn]),
        &nothing,
    );
    assert_eq!(decision, Decision::Allowed(Granted::Root));
    assert_eq!(decision.message("x", action), None);
}
