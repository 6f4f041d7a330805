//! Which authentication request a client gets, and its answer.
//!
//! Redshift's own drivers announce themselves in the startup packet and know request 13 (a digest
//! with SHA-256); libpq does not. Nobody is asked for SCRAM: the Redshift drivers cannot do it.

use std::net::IpAddr;

use bytes::{BufMut, BytesMut};
use lw_base::{Result, SqlError, SqlState};
use lw_services::{Challenge, ClientInfo, Proof};

use crate::frontend::{read_digest_answer, read_password, violation};
use crate::transport::{End, Transport};

const OK: i32 = 0;
const CLEARTEXT: i32 = 3;
const MD5: i32 = 5;
const DIGEST: i32 = 13;
/// The one algorithm of request 13: SHA-256.
const ALGORITHM_SHA256: i32 = 0;

/// The kinds of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Digest,
    Md5,
    Cleartext,
}

/// Chooses the request for this client and user.
pub(crate) fn choose(client: &ClientInfo, challenge: &Challenge) -> Result<Method> {
    if challenge.temporary {
        if client.tls {
            return Ok(Method::Cleartext);
        }
        return Err(SqlError::new(
            SqlState::INVALID_AUTHORIZATION,
            format!(
                "temporary credentials of user \"{}\" need an encrypted connection",
                client.user
            ),
        )
        .with_hint("Connect with TLS (sslmode=require)."));
    }
    let redshift_driver = client.options.contains_key("driver_version")
        || client.options.contains_key("client_protocol_version");
    if redshift_driver && challenge.sha256 {
        return Ok(Method::Digest);
    }
    // Inside TLS the password itself is safe, and works however it is stored.
    if client.tls {
        return Ok(Method::Cleartext);
    }
    if challenge.md5 {
        return Ok(Method::Md5);
    }
    if client.remote_address.is_none_or(|a| is_loopback(&a)) {
        return Ok(Method::Cleartext);
    }
    Err(SqlError::new(
        SqlState::INVALID_AUTHORIZATION,
        format!(
            "password authentication of user \"{}\" needs an encrypted connection",
            client.user
        ),
    )
    .with_hint("Connect with TLS (sslmode=require)."))
}

fn is_loopback(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
    }
}

/// Sends the request and reads the answer.
pub(crate) async fn ask(
    transport: &mut Transport,
    method: Method,
    challenge: &Challenge,
) -> Result<Proof, End> {
    match method {
        Method::Cleartext => {
            transport.out.authentication(CLEARTEXT, &[]);
            let body = answer(transport, b'p').await?;
            Ok(Proof::Cleartext(read_password(body).map_err(fatal)?))
        }
        Method::Md5 => {
            let salt = lw_base::random::bytes::<4>();
            transport.out.authentication(MD5, &salt);
            let body = answer(transport, b'p').await?;
            Ok(Proof::Md5 {
                salt,
                response: read_password(body).map_err(fatal)?,
            })
        }
        Method::Digest => {
            let server_nonce = lw_base::random::bytes::<16>().to_vec();
            let mut more = BytesMut::new();
            more.put_i32(ALGORITHM_SHA256);
            for part in [&challenge.sha256_salt, &server_nonce] {
                more.put_i32(part.len() as i32);
                more.put_slice(part);
            }
            transport.out.authentication(DIGEST, &more);
            let body = answer(transport, b'd').await?;
            let (digest, client_nonce) = read_digest_answer(body).map_err(fatal)?;
            Ok(Proof::Digest {
                server_nonce,
                client_nonce,
                digest,
            })
        }
    }
}

/// Tells the client that it is in.
pub(crate) fn welcome(transport: &mut Transport) {
    transport.out.authentication(OK, &[]);
}

async fn answer(transport: &mut Transport, want: u8) -> Result<bytes::Bytes, End> {
    transport.flush().await?;
    match transport.answer().await? {
        (tag, body) if tag == want => Ok(body),
        _ => Err(fatal(violation("expected a password response"))),
    }
}

fn fatal(error: SqlError) -> End {
    End::Fatal(error.fatal())
}
