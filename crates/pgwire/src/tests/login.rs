//! Logins: requests by client, encryption, refusals.

use std::sync::Arc;
use std::time::Duration;

use lw_services::warehouses::Networks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{Client, message, startup};
use super::fake::{start, start_with};
use crate::{Door, WireConfig};

#[tokio::test]
async fn redshifts_drivers_get_request_13() {
    let server = start().await;
    let (_, told) = Client::login(&server, &[("client_protocol_version", "2")]).await;
    assert!(server.seen.has("digest tls=false db=dev"));
    assert!(
        told.contains(&"S server_version|8.0.2".to_string()),
        "{told:?}"
    );
    assert!(told.contains(&"S server_protocol_version|2".to_string()));
    assert!(told.contains(&"S show_discovery|4".to_string()));
    assert_eq!(told.last().unwrap(), "Z I");
    let (_, told) = Client::login(&server, &[("client_protocol_version", "9")]).await;
    assert!(told.contains(&"S server_protocol_version|3".to_string()));
}

#[tokio::test]
async fn others_get_md5_without_tls_and_never_negotiation() {
    let server = start().await;
    let (_, told) = Client::login(&server, &[("_pq_.compression", "lz4")]).await;
    assert!(server.seen.has("md5 tls=false db=dev"));
    assert!(told.contains(&"S server_protocol_version|0".to_string()));
    assert!(told.iter().all(|t| !t.starts_with('v')));
}

#[tokio::test]
async fn cleartext_only_where_nobody_listens() {
    // The client is on this machine.
    let server = start_with(WireConfig::default(), None, false).await;
    Client::login(&server, &[]).await;
    assert!(server.seen.has("cleartext tls=false db=dev"));
}

#[tokio::test]
async fn a_wrong_password() {
    let server = start().await;
    let mut client = Client::connect(&server).await;
    client.send(&startup(&[("user", "u")])).await;
    client.read().await.unwrap();
    client.send(&message(b'p', b"md5wrong\0")).await;
    assert_eq!(client.until(b'Z').await, ["E SFATAL|C28000|Mno"]);
    assert!(
        server.seen.has("md5 tls=false db=u"),
        "the database is the user's name"
    );
}

#[tokio::test]
async fn broken_first_packets_end_the_connection() {
    let server = start().await;
    for (packet, code) in [
        (startup(&[("database", "dev")]), "C28000"),
        (startup(&[("user", "u"), ("token_type", "x")]), "C0A000"),
        (startup(&[("user", "u"), ("replication", "true")]), "C0A000"),
        (b"\0\0\x27\x11xxxx".to_vec(), "C08P01"),
        (b"\0\0\0\x04".to_vec(), "C08P01"),
        (b"\0\0\0\x09\0\x02\0\0\0".to_vec(), "C0A000"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "C08P01"),
    ] {
        let mut client = Client::connect(&server).await;
        client.send(&packet).await;
        let told = client.until(b'Z').await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("E SFATAL") && told[0].contains(code),
            "{told:?}"
        );
    }
    Client::login(&server, &[]).await;
}

#[tokio::test]
async fn without_a_certificate_there_is_no_tls() {
    let server = start().await;
    let mut client = Client::connect(&server).await;
    for request in [80_877_103u32, 80_877_104] {
        let mut packet = 8u32.to_be_bytes().to_vec();
        packet.extend(request.to_be_bytes());
        client.send(&packet).await;
        assert_eq!(client.socket.read_u8().await.unwrap(), b'N');
    }
}

#[tokio::test]
async fn tls_can_be_required() {
    let config = WireConfig {
        require_tls: true,
        ..WireConfig::default()
    };
    let server = start_with(config, None, true).await;
    let mut client = Client::connect(&server).await;
    client.send(&startup(&[("user", "u")])).await;
    let told = client.until(b'Z').await;
    assert!(
        told[0].contains("SFATAL|C28000") && told[0].contains("sslmode=require"),
        "{told:?}"
    );
}

#[tokio::test]
async fn bytes_before_tls_are_refused() {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let resolver = rustls::server::ResolvesServerCertUsingSni::new();
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let config = WireConfig {
        tls: Some(Arc::new(tls)),
        ..WireConfig::default()
    };
    let server = start_with(config, None, true).await;
    let mut client = Client::connect(&server).await;
    let mut packet = 8u32.to_be_bytes().to_vec();
    packet.extend(80_877_103u32.to_be_bytes());
    packet.extend(startup(&[("user", "u")]));
    client.send(&packet).await;
    assert_eq!(client.socket.read_u8().await.unwrap(), b'S');
    let told = client.until(b'Z').await;
    assert!(told[0].contains("unencrypted data"), "{told:?}");
}

#[tokio::test]
async fn a_slow_login_is_cut_off() {
    let config = WireConfig {
        login_timeout: Duration::from_millis(50),
        ..WireConfig::default()
    };
    let server = start_with(config, None, true).await;
    let mut client = Client::connect(&server).await;
    client.socket.write_all(b"\0\0").await.unwrap();
    assert!(client.read().await.is_none());
}

#[tokio::test]
async fn places_are_limited() {
    let config = WireConfig {
        door: Arc::new(Door::new(Networks::Any, 1)),
        ..WireConfig::default()
    };
    let server = start_with(config, None, true).await;
    let (first, _) = Client::login(&server, &[]).await;
    let mut second = Client::connect(&server).await;
    assert!(second.until(b'Z').await[0].contains("C53300"));
    drop(first);
    tokio::time::sleep(Duration::from_millis(100)).await;
    Client::login(&server, &[]).await;
}

#[tokio::test]
async fn temporary_credentials_need_tls() {
    let server = start().await;
    let mut client = Client::connect(&server).await;
    client
        .send(&startup(&[
            ("user", "IAM:ana"),
            ("client_protocol_version", "2"),
        ]))
        .await;
    let told = client.until(b'Z').await;
    assert!(
        told[0].contains("C28000") && told[0].contains("sslmode=require"),
        "{told:?}"
    );
}

#[tokio::test]
async fn who_is_not_of_the_networks_hears_nothing() {
    let door = Arc::new(Door::new(Networks::Only(vec![]), 10));
    let config = WireConfig {
        door: door.clone(),
        ..WireConfig::default()
    };
    let server = start_with(config, None, true).await;
    let mut refused = Client::connect(&server).await;
    let _ = refused.socket.write_all(&startup(&[("user", "u")])).await;
    assert!(refused.read().await.is_none());
    // It may change while the listener serves, and ends no session.
    door.set(Networks::Only(vec![("127.0.0.0".parse().unwrap(), 8)]), 10);
    let (mut client, _) = Client::login(&server, &[]).await;
    door.set(Networks::Only(vec![]), 10);
    client.send(&super::client::query("select 1")).await;
    assert!(!client.until(b'Z').await.is_empty());
}
