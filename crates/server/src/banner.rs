//! What the operator reads once the warehouse is up: how to connect.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use crate::config::Config;
use crate::credentials::Credentials;
use crate::data_dir::DataDir;

/// The text. Secrets are shown only when they are new.
pub fn text(
    config: &Config,
    dir: &DataDir,
    credentials: &Credentials,
    sql: SocketAddr,
    http: SocketAddr,
) -> String {
    let (host, port) = (reachable(sql.ip()), sql.port());
    let user = &credentials.admin_user;
    let ca = dir.tls().join(crate::tls::CA_FILE);
    let ca = ca.display();
    let mut out = String::new();
    let _ = writeln!(out, "Longwave {} is ready.", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(out);
    if credentials.fresh {
        let _ = writeln!(
            out,
            "Credentials (shown this once, kept in {}):",
            dir.credentials().display()
        );
        let _ = writeln!(out, "  admin user         {user}");
        let _ = writeln!(out, "  admin password     {}", credentials.admin_password);
        let _ = writeln!(out, "  access key id      {}", credentials.access_key_id);
        let _ = writeln!(
            out,
            "  secret access key  {}",
            credentials.secret_access_key
        );
    } else {
        let _ = writeln!(out, "Credentials are in {}.", dir.credentials().display());
    }
    let _ = writeln!(out);
    let _ = writeln!(
        out,
        "  psql    psql \"host={host} port={port} dbname=dev user={user} sslmode=verify-full sslrootcert={ca}\""
    );
    let _ = writeln!(
        out,
        "  JDBC    jdbc:redshift://{host}:{port}/dev?ssl=true&sslRootCert={ca}"
    );
    let _ = writeln!(
        out,
        "  Python  SSL_CERT_FILE={ca}\n          redshift_connector.connect(host=\"{host}\", port={port}, database=\"dev\", user=\"{user}\", password=...)"
    );
    let _ = writeln!(
        out,
        "  AWS     export AWS_ENDPOINT_URL=http://{0}:{1} AWS_REGION={2} AWS_DEFAULT_REGION={2} AWS_ACCESS_KEY_ID={3} AWS_SECRET_ACCESS_KEY=...",
        reachable(http.ip()),
        http.port(),
        config.region,
        credentials.access_key_id
    );
    out
}

/// An address a client on this machine can use.
pub fn reachable(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) if v4.is_unspecified() => "127.0.0.1".into(),
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) if v6.is_unspecified() => "localhost".into(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}
