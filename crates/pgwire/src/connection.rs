//! A connection from its first byte to the login: encryption, cancel requests, startup keys,
//! authentication.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use lw_base::{SqlError, SqlState};
use lw_services::{ClientInfo, Session};
use tokio::net::TcpStream;

use crate::auth;
use crate::frontend::First;
use crate::server::Shared;
use crate::session;
use crate::transport::{End, Transport, shutting_down};

/// The highest `client_protocol_version` that is spoken: the one with the most metadata.
const PROTOCOL_LEVEL: i16 = 3;

/// Serves one connection to its end.
pub(crate) async fn run(socket: TcpStream, peer: SocketAddr, shared: &Shared) {
    let mut transport = Transport::new(Box::new(socket), shared.stop.clone());
    let login = tokio::select! {
        done = tokio::time::timeout(shared.config.login_timeout, login(&mut transport, peer, shared)) => {
            done.unwrap_or(Err(End::Closed))
        }
        () = shared.stop.cancelled() => Err(End::Fatal(shutting_down())),
    };
    match login {
        Ok(Some(session)) => session::run(transport, session, shared.service.clone()).await,
        Ok(None) | Err(End::Closed) => transport.goodbye(None).await,
        Err(End::Fatal(error)) => transport.goodbye(Some(&error)).await,
    }
}

/// Brings a client to its session; `None` if it only wanted to cancel something.
async fn login(
    transport: &mut Transport,
    peer: SocketAddr,
    shared: &Shared,
) -> Result<Option<Box<dyn Session>>, End> {
    let mut tls_detail: Option<String> = None;
    let keys = loop {
        let packet = transport.first().await?;
        match First::read(packet).map_err(|e| End::Fatal(e.fatal()))? {
            First::Ssl => match &shared.tls {
                Some(acceptor) if tls_detail.is_none() => {
                    transport.reply(b'S').await?;
                    tls_detail = Some(transport.encrypt(acceptor).await?);
                }
                _ => transport.reply(b'N').await?,
            },
            First::GssEnc => transport.reply(b'N').await?,
            First::Cancel { pid, key } => {
                shared.service.cancel(pid, key);
                return Ok(None);
            }
            First::Startup(keys) => break keys,
        }
    };
    let client = client_info(keys, peer, tls_detail).map_err(|e| End::Fatal(e.fatal()))?;
    if shared.config.require_tls && !client.tls {
        let error = SqlError::new(
            SqlState::INVALID_AUTHORIZATION,
            "the connection must be encrypted (require_ssl is on)",
        )
        .with_hint("Connect with TLS (sslmode=require).");
        return Err(End::Fatal(error.fatal()));
    }
    transport.out.protocol = client
        .options
        .get("client_protocol_version")
        .and_then(|v| v.trim().parse::<i16>().ok())
        .map_or(0, |v| v.clamp(0, PROTOCOL_LEVEL));
    let session = authenticate(transport, client, shared).await?;
    auth::welcome(transport);
    Ok(Some(session))
}

async fn authenticate(
    transport: &mut Transport,
    client: ClientInfo,
    shared: &Shared,
) -> Result<Box<dyn Session>, End> {
    let fatal = |e: SqlError| End::Fatal(e.fatal());
    let challenge = shared
        .service
        .challenge(&client.user)
        .await
        .map_err(fatal)?;
    let method = auth::choose(&client, &challenge).map_err(fatal)?;
    let proof = auth::ask(transport, method, &challenge).await?;
    shared.service.connect(client, proof).await.map_err(fatal)
}

fn client_info(
    mut keys: BTreeMap<String, String>,
    peer: SocketAddr,
    tls_detail: Option<String>,
) -> lw_base::Result<ClientInfo> {
    if keys.contains_key("idp_type") || keys.contains_key("token_type") {
        return Err(SqlError::unsupported(
            "login with a token of an identity provider",
        ));
    }
    if keys
        .get("replication")
        .is_some_and(|v| !matches!(v.as_str(), "false" | "off" | "no" | "0"))
    {
        return Err(SqlError::unsupported("the replication protocol"));
    }
    let user = keys
        .remove("user")
        .filter(|u| !u.is_empty())
        .ok_or_else(|| {
            SqlError::new(
                SqlState::INVALID_AUTHORIZATION,
                "no user name specified in startup packet",
            )
        })?;
    let database = keys
        .remove("database")
        .filter(|d| !d.is_empty())
        .unwrap_or_else(|| user.clone());
    Ok(ClientInfo {
        user,
        database,
        options: keys,
        remote_address: Some(peer.ip()),
        remote_port: peer.port(),
        tls: tls_detail.is_some(),
        tls_detail: tls_detail.unwrap_or_default(),
    })
}
