//! Rules of values that the model does not know: capacities, ports, passwords, names.

use lw_aws_model::ApiError;
use lw_aws_model::redshift_serverless::errors::validation_exception;

/// Base capacity of a workgroup that is given none, RPU (guide L985).
pub const USUAL_CAPACITY: i64 = 128;
/// Port of a workgroup that is given none (guide L1206).
pub const USUAL_PORT: u16 = 5439;
/// Memory of one RPU, bytes (guide L985).
pub const RPU_BYTES: u64 = 16 << 30;
/// Namespaces of an account, and workgroups (guide L28022-28034).
pub const MOST: usize = 25;
/// Connections to one workgroup (guide L28034).
pub const CONNECTIONS: usize = 2_000;

/// Base capacity: 8 to 512 in steps of 8 (guide L985).
pub fn base_capacity(rpu: i64) -> Result<i64, ApiError> {
    if (8..=512).contains(&rpu) && rpu % 8 == 0 {
        return Ok(rpu);
    }
    Err(validation_exception(format!(
        "Invalid base capacity {rpu}. Base capacity must be between 8 and 512 RPUs in units of 8."
    )))
}

/// Ceiling of capacity: up to 5632; -1 takes it away (guide L1073-1118). Not below the base capacity,
/// which is always there.
pub fn max_capacity(rpu: i64, base: i64) -> Result<Option<i64>, ApiError> {
    match rpu {
        -1 => Ok(None),
        _ if !(8..=5632).contains(&rpu) || rpu % 8 != 0 => Err(validation_exception(format!(
            "Invalid max capacity {rpu}. Max capacity must be between 8 and 5632 RPUs in units of 8, or -1 for none."
        ))),
        _ if rpu < base => Err(validation_exception(format!(
            "Max capacity {rpu} must not be less than the base capacity {base}."
        ))),
        _ => Ok(Some(rpu)),
    }
}

/// Ports that a workgroup may have (guide L541, L1206).
pub fn ports() -> impl Iterator<Item = u16> {
    (USUAL_PORT..=5455)
        .chain(5431..USUAL_PORT)
        .chain(8191..=8215)
}

/// One of those ports.
pub fn port(port: i64) -> Result<u16, ApiError> {
    ports().find(|p| i64::from(*p) == port).ok_or_else(|| {
        validation_exception(format!(
            "Invalid port {port}. The port must be in the ranges 5431-5455 or 8191-8215."
        ))
    })
}

/// Days a snapshot is kept: 1 to 3653; -1 and none: for ever (guide L853, L2429).
pub fn retention(days: Option<i64>) -> Result<Option<i64>, ApiError> {
    match days {
        None | Some(-1) => Ok(None),
        Some(1..=3653) => Ok(days),
        Some(days) => Err(validation_exception(format!(
            "Invalid retention period {days}. It must be -1 or between 1 and 3653 days."
        ))),
    }
}

/// Password of an admin user (guide L28130-28135).
pub fn password(password: &str) -> Result<(), ApiError> {
    let fail = |what: &str| {
        Err(validation_exception(format!(
            "The parameter adminUserPassword is not a valid password. {what}"
        )))
    };
    if !(8..=64).contains(&password.len()) {
        return fail("It must be between 8 and 64 characters in length.");
    }
    if password
        .chars()
        .any(|c| !('!'..='~').contains(&c) || "'\"\\/@".contains(c))
    {
        return fail(
            "It can have printable ASCII characters (codes 33-126) except ' (single quote), \" (double quote), \\, / and @.",
        );
    }
    for (class, what) in [
        (
            char::is_ascii_uppercase as fn(&char) -> bool,
            "uppercase letter",
        ),
        (char::is_ascii_lowercase, "lowercase letter"),
        (char::is_ascii_digit, "number"),
    ] {
        if !password.chars().any(|c| class(&c)) {
            return fail(&format!("It must contain at least one {what}."));
        }
    }
    Ok(())
}

/// Name of an admin user (guide L28126).
pub fn admin_user(name: &str) -> Result<(), ApiError> {
    let good = (1..=127).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_+.@-".contains(c))
        && !["public", "rdsdb"].contains(&name);
    if good {
        return Ok(());
    }
    Err(validation_exception(format!(
        "Invalid admin username '{name}'. It must be 1-127 lowercase alphanumeric characters or _+.@-, begin with a letter, and not be a reserved word."
    )))
}

/// Name of a first database (guide L28124).
pub fn database(name: &str) -> Result<(), ApiError> {
    let good = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !["template0", "template1", "padb_harvest", "sys_internal"].contains(&name);
    if good {
        return Ok(());
    }
    Err(validation_exception(format!(
        "Invalid database name '{name}'. It must be 1-64 lowercase alphanumeric characters and not be a reserved word."
    )))
}

/// Name of a snapshot, in the form of spec'd identifiers (guide L28160-28163).
pub fn snapshot_name(name: &str) -> Result<(), ApiError> {
    let good = (1..=255).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--");
    if good {
        return Ok(());
    }
    Err(validation_exception(format!(
        "Invalid snapshot name '{name}'. It must be 1-255 lowercase alphanumeric characters or hyphens, begin with a letter, and not end with a hyphen or contain two in a row."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities() {
        for good in [8, 16, 128, 512] {
            base_capacity(good).unwrap();
        }
        for bad in [0, 7, 12, 520, -8] {
            base_capacity(bad).unwrap_err();
        }
        assert_eq!(max_capacity(5632, 128).unwrap(), Some(5632));
        assert_eq!(max_capacity(-1, 128).unwrap(), None);
        max_capacity(5633, 128).unwrap_err();
        max_capacity(64, 128).unwrap_err();
    }

    #[test]
    fn port_ranges() {
        for good in [5431, 5439, 5455, 8191, 8215] {
            port(good).unwrap();
        }
        for bad in [5430, 5456, 8190, 8216, 70_000] {
            port(bad).unwrap_err();
        }
        assert_eq!(ports().count(), 25 + 25);
    }

    #[test]
    fn passwords_and_names() {
        password("Longwave1").unwrap();
        for bad in [
            "Short1",
            "alllower1",
            "ALLUPPER1",
            "NoDigitsHere",
            "With/Slash1",
            "Späce1234",
        ] {
            password(bad).unwrap_err();
        }
        admin_user("awsuser").unwrap();
        admin_user("Public").unwrap_err();
        retention(Some(3653)).unwrap();
        retention(Some(0)).unwrap_err();
        retention(Some(3654)).unwrap_err();
        snapshot_name("final-1").unwrap();
        snapshot_name("a--b").unwrap_err();
    }
}
