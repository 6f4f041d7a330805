//! Certificates of the SQL port: an authority of the warehouse's own, kept in the data directory,
//! and a server certificate made anew at every start, so that it never runs out.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::data_dir::{DataDir, write_private};

/// The file of the authority's certificate, which clients trust.
pub const CA_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca.key";

/// The TLS set-up of the SQL port, for these names and addresses beside localhost.
pub fn server_config(dir: &DataDir, names: &[String]) -> Result<Arc<rustls::ServerConfig>> {
    let (issuer, ca_der) = authority(dir).context("the certificate authority")?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "longwave");
    params.subject_alt_names = subject_names(names)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    let certificate = params.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone(), ca_der], key)?;
    Ok(Arc::new(config))
}

/// The authority: the kept one, or a new one.
fn authority(dir: &DataDir) -> Result<(Issuer<'static, KeyPair>, CertificateDer<'static>)> {
    let (pem_path, key_path) = (dir.tls().join(CA_FILE), dir.tls().join(CA_KEY_FILE));
    if let (Ok(pem), Ok(key)) = (
        std::fs::read_to_string(&pem_path),
        std::fs::read_to_string(&key_path),
    ) {
        use rustls::pki_types::pem::PemObject;
        let key = KeyPair::from_pem(&key)
            .with_context(|| format!("cannot read {}", key_path.display()))?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .with_context(|| format!("cannot read {}", pem_path.display()))?;
        // Name and key are all that a signature takes from the authority's certificate.
        return Ok((Issuer::new(authority_params(), key), der));
    }
    let key = KeyPair::generate()?;
    let params = authority_params();
    let certificate = params.self_signed(&key)?;
    write_private(&key_path, &key.serialize_pem())?;
    write_private(&pem_path, &certificate.pem())?;
    // Anybody may read the certificate; the directory above keeps to its owner what it must.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&pem_path, readable)?;
    Ok((Issuer::new(params, key), certificate.der().clone()))
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Longwave certificate authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2060, 1, 1);
    params
}

fn subject_names(more: &[String]) -> Result<Vec<SanType>> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec();
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        names.push(host.trim().to_string());
    }
    names.extend(more.iter().map(|n| n.trim().to_string()));
    let mut sans: Vec<SanType> = Vec::new();
    for name in names.iter().filter(|n| !n.is_empty()) {
        let san = match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(
                name.clone()
                    .try_into()
                    .with_context(|| format!("\"{name}\" cannot stand in a certificate"))?,
            ),
        };
        if !sans.contains(&san) {
            sans.push(san);
        }
    }
    Ok(sans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_stays() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        server_config(&dir, &["warehouse.example".into(), "10.0.0.1".into()]).unwrap();
        let first = std::fs::read(dir.tls().join(CA_FILE)).unwrap();
        server_config(&dir, &[]).unwrap();
        assert_eq!(std::fs::read(dir.tls().join(CA_FILE)).unwrap(), first);
        assert!(server_config(&dir, &["not a name\u{e9}".into()]).is_err());
    }
}
