//! Checksums of uploads: which the client announced, in headers or in trailers behind the body, and
//! whether they hold.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::{S3Result, TrailingHeaders, s3_error};

/// The algorithms, as the API names them, with their header.
pub const ALGORITHMS: [(&str, &str); 5] = [
    ("CRC32", "x-amz-checksum-crc32"),
    ("CRC32C", "x-amz-checksum-crc32c"),
    ("CRC64NVME", "x-amz-checksum-crc64nvme"),
    ("SHA1", "x-amz-checksum-sha1"),
    ("SHA256", "x-amz-checksum-sha256"),
];

/// What a request says of its body's checksums.
#[derive(Debug, Default)]
pub struct Announced {
    /// `Content-MD5`.
    md5: Option<String>,
    /// Values by algorithm.
    sums: BTreeMap<String, String>,
    /// Algorithms whose value comes behind the body, or that the client asks to be computed.
    wanted: Vec<&'static str>,
}

impl Announced {
    /// Reads a request's headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let mut announced = Announced {
            md5: text("content-md5").map(str::to_string),
            ..Announced::default()
        };
        let trailer = text("x-amz-trailer")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let asked = text("x-amz-sdk-checksum-algorithm")
            .or(text("x-amz-checksum-algorithm"))
            .unwrap_or_default()
            .to_ascii_uppercase();
        for (name, header) in ALGORITHMS {
            if let Some(value) = text(header) {
                announced.sums.insert(name.to_string(), value.to_string());
            }
            if text(header).is_some()
                || trailer.split(',').any(|t| t.trim() == header)
                || asked == name
            {
                announced.wanted.push(name);
            }
        }
        announced
    }

    /// A hasher for what was announced.
    pub fn hasher(&self) -> ChecksumHasher {
        let mut hasher = ChecksumHasher::default();
        for name in &self.wanted {
            enable(&mut hasher, name);
        }
        hasher
    }

    /// Compares with what arrived; gives the checksums to keep.
    pub fn check(
        &self,
        md5: &[u8; 16],
        hasher: ChecksumHasher,
        trailers: Option<&TrailingHeaders>,
    ) -> S3Result<BTreeMap<String, String>> {
        if let Some(want) = &self.md5 {
            let want = STANDARD
                .decode(want)
                .ok()
                .filter(|d| d.len() == 16)
                .ok_or_else(|| s3_error!(InvalidDigest))?;
            if want != md5 {
                return Err(s3_error!(
                    BadDigest,
                    "The Content-MD5 you specified did not match what we received."
                ));
            }
        }
        let mut expected = self.sums.clone();
        if let Some(trailers) = trailers {
            trailers.read(|headers| {
                for (name, header) in ALGORITHMS {
                    if let Some(value) = headers.get(header).and_then(|v| v.to_str().ok()) {
                        expected.insert(name.to_string(), value.to_string());
                    }
                }
            });
        }
        let computed = into_map(hasher);
        for (name, want) in &expected {
            if computed.get(name).is_some_and(|have| have != want) {
                return Err(s3_error!(
                    BadDigest,
                    "The {name} you specified did not match the calculated checksum."
                ));
            }
        }
        Ok(computed)
    }
}

/// Turns on one algorithm.
fn enable(hasher: &mut ChecksumHasher, algorithm: &str) {
    match algorithm {
        "CRC32" => hasher.crc32 = Some(Crc32::new()),
        "CRC32C" => hasher.crc32c = Some(Crc32c::new()),
        "CRC64NVME" => hasher.crc64nvme = Some(Crc64Nvme::new()),
        "SHA1" => hasher.sha1 = Some(Sha1::new()),
        "SHA256" => hasher.sha256 = Some(Sha256::new()),
        _ => {}
    }
}

/// A hasher of one algorithm (of none, for an unknown name).
pub fn hasher_of(algorithm: &str) -> ChecksumHasher {
    let mut hasher = ChecksumHasher::default();
    enable(&mut hasher, algorithm);
    hasher
}

/// The computed checksums by algorithm.
pub fn into_map(hasher: ChecksumHasher) -> BTreeMap<String, String> {
    let sums = hasher.finalize();
    [
        ("CRC32", sums.checksum_crc32),
        ("CRC32C", sums.checksum_crc32c),
        ("CRC64NVME", sums.checksum_crc64nvme),
        ("SHA1", sums.checksum_sha1),
        ("SHA256", sums.checksum_sha256),
    ]
    .into_iter()
    .filter_map(|(name, sum)| Some((name.to_string(), sum?)))
    .collect()
}

/// Fills the five checksum fields of an output.
macro_rules! fill_checksums {
    ($output:expr, $sums:expr) => {
        $output.checksum_crc32 = $sums.get("CRC32").cloned();
        $output.checksum_crc32c = $sums.get("CRC32C").cloned();
        $output.checksum_crc64nvme = $sums.get("CRC64NVME").cloned();
        $output.checksum_sha1 = $sums.get("SHA1").cloned();
        $output.checksum_sha256 = $sums.get("SHA256").cloned();
    };
}
pub(crate) use fill_checksums;
