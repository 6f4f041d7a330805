//! The models are read whole, and values survive the wire.

use chrono::TimeZone;

use super::*;

#[test]
fn every_pattern_but_the_known_can_be_read() {
    let mut unread = Vec::new();
    for service in SERVICES {
        let service = service.get();
        for operation in service.operations.values() {
            for shape in [operation.input, operation.output].into_iter().flatten() {
                assert!(matches!(service.shape(shape).kind, Kind::Structure { .. }));
            }
        }
        for id in service.shapes() {
            if let Kind::String {
                pattern: Some((text, None)),
                ..
            } = &service.shape(id).kind
            {
                unread.push(format!("{} {text}", service.name));
            }
        }
    }
    // Look-ahead and surrogates are beyond the library; their operations check by hand.
    assert!(unread.len() <= 12, "{unread:#?}");
}

#[test]
fn counts_of_the_redshift_services() {
    for (name, count) in [
        ("redshift", 145),
        ("redshift-serverless", 65),
        ("redshift-data", 12),
    ] {
        assert_eq!(service(name).unwrap().operations.len(), count);
    }
}

#[test]
fn a_form_becomes_a_structure() {
    let service = redshift::SERVICE.get();
    let operation = &service.operations["CreateCluster"];
    let body = b"Action=CreateCluster&Version=2012-12-01&ClusterIdentifier=c1&NodeType=ra3.4xlarge&MasterUsername=adm\
        &NumberOfNodes=2&PubliclyAccessible=true&Tags.Tag.1.Key=a&Tags.Tag.1.Value=b&Tags.Tag.2.Key=c\
        &VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1&IamRoles=";
    let form = form::Form::parse(body).unwrap();
    assert_eq!(form.plain("Action"), Some("CreateCluster"));
    let value = form.input(service, operation.input).unwrap();
    check(service, operation.input.unwrap(), &value).unwrap();
    let input = redshift::CreateClusterMessage::from_value(value);
    assert_eq!(input.cluster_identifier, "c1");
    assert_eq!(input.number_of_nodes, Some(2));
    assert_eq!(input.publicly_accessible, Some(true));
    assert_eq!(input.vpc_security_group_ids, Some(vec!["sg-1".to_string()]));
    assert_eq!(input.iam_roles, Some(vec![]));
    let tags = input.tags.unwrap();
    assert_eq!(tags.len(), 2);
    assert_eq!(tags[0].value.as_deref(), Some("b"));
    assert_eq!(tags[1].value, None);
}

#[test]
fn mistakes_are_named() {
    let service = redshift_serverless::SERVICE.get();
    let input = service.operations["CreateNamespace"].input;
    let value = json::decode(service, input, br#"{"namespaceName":"A"}"#).unwrap();
    let error = check(service, input.unwrap(), &value).unwrap_err();
    assert_eq!(error.shape, "ValidationException");
    assert!(
        error.message.contains("'namespaceName' failed to satisfy constraint: Member must have length greater than or equal to 3"),
        "{error}"
    );
    let error = json::decode(service, input, br#"{"namespaceName":1}"#).unwrap_err();
    assert_eq!(error.message, "$.namespaceName must be a string");
    let error = json::decode(service, input, b"[").unwrap_err();
    assert_eq!(error.code, "SerializationException");
    let value = json::decode(service, input, b"").unwrap();
    let error = check(service, input.unwrap(), &value).unwrap_err();
    assert_eq!(
        error.message,
        "1 validation error detected: Value null at 'namespaceName' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn answers_have_the_names_of_the_model() {
    let service = redshift::SERVICE.get();
    let operation = &service.operations["DescribeClusters"];
    let time = chrono::Utc.with_ymd_and_hms(2024, 5, 6, 7, 8, 9).unwrap();
    let output = redshift::ClustersMessage {
        clusters: Some(vec![redshift::Cluster {
            cluster_identifier: Some("a<b".into()),
            cluster_create_time: Some(time),
            ..Default::default()
        }]),
        marker: None,
    };
    assert_eq!(
        xml::answer(service, operation, &output.into_value(), "r-1"),
        "<DescribeClustersResponse xmlns=\"http://redshift.amazonaws.com/doc/2012-12-01/\"><DescribeClustersResult><Clusters>\
         <Cluster><ClusterCreateTime>2024-05-06T07:08:09.000Z</ClusterCreateTime><ClusterIdentifier>a&lt;b</ClusterIdentifier></Cluster>\
         </Clusters></DescribeClustersResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></DescribeClustersResponse>"
    );
    let error = redshift::errors::cluster_not_found_fault("Cluster x not found.");
    assert_eq!(error.status, 404);
    assert!(
        xml::error(Some(service), &error, "r")
            .contains("<Type>Sender</Type><Code>ClusterNotFound</Code>")
    );
    // Times of serverless are text, those of the Data API seconds.
    let service = redshift_serverless::SERVICE.get();
    let shape = service.shape_named("Namespace").unwrap();
    let namespace = redshift_serverless::Namespace {
        creation_date: Some(time),
        ..Default::default()
    };
    assert_eq!(
        json::answer(service, Some(shape), &namespace.clone().into_value()),
        r#"{"creationDate":"2024-05-06T07:08:09Z"}"#
    );
    let kept = serde_json::to_string(&Stored(namespace.clone())).unwrap();
    let back: Stored<redshift_serverless::Namespace> = serde_json::from_str(&kept).unwrap();
    assert_eq!(back.0, namespace);
}
