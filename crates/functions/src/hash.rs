//! Hashes and checksums (Developer Guide, "Hash functions").

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::SqlType;
use md5::Md5;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::func::{Ret, STR, Ty, func};
use crate::rows::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// SHA-1, for it is not in the library that has the others.
fn sha1(data: &[u8]) -> [u8; 20] {
    let mut h: [u32; 5] = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    let mut message = data.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&((data.len() as u64) * 8).to_be_bytes());
    for block in message.chunks_exact(64) {
        let mut w = [0u32; 80];
        for (i, word) in block.chunks_exact(4).enumerate() {
            w[i] = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        }
        for i in 16..80 {
            w[i] = (w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = h;
        for (i, word) in w.iter().enumerate() {
            let (f, k) = match i {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6u32),
            };
            let t = a
                .rotate_left(5)
                .wrapping_add(f)
                .wrapping_add(e)
                .wrapping_add(k)
                .wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, t);
        }
        for (x, y) in h.iter_mut().zip([a, b, c, d, e]) {
            *x = x.wrapping_add(y);
        }
    }
    let mut out = [0u8; 20];
    for (i, x) in h.iter().enumerate() {
        out[i * 4..i * 4 + 4].copy_from_slice(&x.to_be_bytes());
    }
    out
}

fn sha2(text: &str, bits: i32) -> Result<Option<String>> {
    Ok(Some(match bits {
        0 | 256 => hex(&Sha256::digest(text)),
        224 => hex(&Sha224::digest(text)),
        384 => hex(&Sha384::digest(text)),
        512 => hex(&Sha512::digest(text)),
        other => {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("SHA2 has no digest of {other} bits"),
            ));
        }
    }))
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= *byte as u32;
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

/// FNV-1a, 64 bits.
fn fnv(data: &[u8], seed: Option<i64>) -> i64 {
    let start = seed.map_or(0xcbf2_9ce4_8422_2325, |s| s as u64);
    data.iter()
        .fold(start, |h, b| (h ^ *b as u64).wrapping_mul(0x0100_0000_01b3)) as i64
}

/// All of them.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let big = Ret::Is(SqlType::Int8);
    vec![
        func("md5", "r_MD5")
            .form(&[Ty::Str], STR, |c| {
                map1::<Strs, String>(c, |s| Ok(Some(hex(&Md5::digest(s)))))
            })
            .build(),
        func("sha1", "r_SHA1")
            .alias(&["sha", "func_sha1"])
            .form(&[Ty::Str], STR, |c| {
                map1::<Strs, String>(c, |s| Ok(Some(hex(&sha1(s.as_bytes())))))
            })
            .build(),
        func("sha2", "SHA2")
            .form(&[Ty::Str, Ty::Int4], STR, |c| {
                map2::<Strs, I32s, String>(c, sha2)
            })
            .build(),
        func("crc32", "crc32-function")
            .form(&[Ty::Str], STR, |c| {
                map1::<Strs, String>(c, |s| Ok(Some(format!("{:08x}", crc32(s.as_bytes())))))
            })
            .build(),
        func("fnv_hash", "r_FNV_HASH")
            .form(&[Ty::Str], big, |c| {
                map1::<Strs, i64>(c, |s| Ok(Some(fnv(s.as_bytes(), None))))
            })
            .form(&[Ty::Str, Ty::Int8], big, |c| {
                map2::<Strs, I64s, i64>(c, |s, seed| Ok(Some(fnv(s.as_bytes(), Some(seed)))))
            })
            .form(&[Ty::Int4], big, |c| {
                map1::<I32s, i64>(c, |n| Ok(Some(fnv(&n.to_le_bytes(), None))))
            })
            .form(&[Ty::Int8], big, |c| {
                map1::<I64s, i64>(c, |n| Ok(Some(fnv(&n.to_le_bytes(), None))))
            })
            .form(&[Ty::Int4, Ty::Int8], big, |c| {
                map2::<I32s, I64s, i64>(c, |n, seed| Ok(Some(fnv(&n.to_le_bytes(), Some(seed)))))
            })
            .build(),
    ]
}
