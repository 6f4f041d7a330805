//! Proof of identity: what a client must show, and checking it.

use lw_base::{Result, SqlError, SqlState, clock};
use lw_catalog::{CatalogSnapshot, Credential, User};
use lw_services::{Challenge, Proof};
use md5::Md5;
use sha2::{Digest, Sha256};

/// SHA-256 of the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// MD5 of the parts, as 32 hex digits.
pub fn md5_hex(parts: &[&[u8]]) -> String {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// What is kept of a cleartext password.
pub fn credential(user: &str, password: &str) -> Credential {
    let salt = lw_base::random::bytes::<16>().to_vec();
    Credential {
        sha256: Some(sha256(&[password.as_bytes(), &salt])),
        md5: Some(md5_hex(&[password.as_bytes(), user.as_bytes()])),
        salt,
    }
}

/// The public part of a user's credential. A stranger cannot tell from it whether the user exists:
/// the salt of an unknown name is derived from the name and a secret of this process.
pub fn challenge(catalog: &CatalogSnapshot, user: &str, secret: &[u8]) -> Challenge {
    match catalog.user_named(user).and_then(|u| u.credential.as_ref()) {
        Some(credential) => Challenge {
            sha256_salt: credential.salt.clone(),
            md5: credential.md5.is_some(),
            sha256: credential.sha256.is_some(),
            temporary: false,
        },
        None => Challenge {
            sha256_salt: sha256(&[secret, user.as_bytes()])[..16].to_vec(),
            md5: true,
            sha256: true,
            temporary: false,
        },
    }
}

/// What every failure of user or password says.
pub fn refused(user: &str) -> SqlError {
    SqlError::new(
        SqlState::INVALID_AUTHORIZATION,
        format!("password authentication failed for user \"{user}\""),
    )
    .fatal()
}

/// Finds the user and checks the proof.
pub fn verify(
    catalog: &CatalogSnapshot,
    user: &str,
    proof: &Proof,
) -> Result<std::sync::Arc<User>> {
    let refused = || refused(user);
    let found = catalog.user_named(user).ok_or_else(refused)?;
    if matches!(proof, Proof::Trusted) {
        return Ok(found.clone());
    }
    let credential = found.credential.as_ref().ok_or_else(refused)?;
    if !proves(credential, user, proof) {
        return Err(refused());
    }
    if found.valid_until.is_some_and(|t| t <= clock::now_micros()) {
        return Err(refused());
    }
    Ok(found.clone())
}

/// True if this is the user's password.
pub fn password_matches(user: &User, password: &str) -> bool {
    user.credential
        .as_ref()
        .is_some_and(|c| proves(c, &user.name, &Proof::Cleartext(password.to_string())))
}

fn proves(credential: &Credential, user: &str, proof: &Proof) -> bool {
    match proof {
        // The leader looks at these itself.
        Proof::Temporary(_) => false,
        Proof::Trusted => true,
        Proof::Cleartext(password) => match (&credential.sha256, &credential.md5) {
            (Some(stored), _) => same(stored, &sha256(&[password.as_bytes(), &credential.salt])),
            (None, Some(stored)) => same(
                stored.as_bytes(),
                md5_hex(&[password.as_bytes(), user.as_bytes()]).as_bytes(),
            ),
            (None, None) => false,
        },
        Proof::Md5 { salt, response } => credential.md5.as_ref().is_some_and(|stored| {
            let want = format!("md5{}", md5_hex(&[stored.as_bytes(), salt]));
            same(want.as_bytes(), response.as_bytes())
        }),
        Proof::Digest {
            server_nonce,
            client_nonce,
            digest,
        } => credential
            .sha256
            .as_ref()
            .is_some_and(|stored| same(&sha256(&[stored, server_nonce, client_nonce]), digest)),
    }
}

/// Compares without telling by its duration where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}
