//! DECIMAL as text and as PostgreSQL's groups of digits.

use bytes::{BufMut, BytesMut};
use lw_base::{Result, SqlError, SqlState};

/// Appends the unscaled `value` with `scale` decimals.
pub fn write_numeric(value: i128, scale: i8, out: &mut BytesMut) {
    let mut digits = [0u8; 40];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let figures = &digits[at..];
    if value < 0 {
        out.put_u8(b'-');
    }
    let scale_len = scale.max(0) as usize;
    if figures.len() > scale_len {
        let whole = figures.len() - scale_len;
        out.put_slice(&figures[..whole]);
        if scale_len > 0 {
            out.put_u8(b'.');
            out.put_slice(&figures[whole..]);
        }
    } else {
        out.put_u8(b'0');
        if scale_len > 0 {
            out.put_u8(b'.');
            out.put_bytes(b'0', scale_len - figures.len());
            out.put_slice(figures);
        }
    }
    if scale < 0 && value != 0 {
        out.put_bytes(b'0', -scale as usize);
    }
}

/// A decimal number read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// All its digits as one number.
    pub unscaled: i128,
    /// How many of them are decimals.
    pub scale: u32,
}

impl Parsed {
    /// The precision and scale of its digits as they stand; `None` if no DECIMAL has them.
    pub fn own_type(self) -> Option<(u8, i8)> {
        let digits = self.unscaled.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
        let precision = digits.max(self.scale).max(1);
        (precision <= 38 && self.scale <= 38).then_some((precision as u8, self.scale as i8))
    }

    /// True if a DECIMAL of this precision and scale holds it without rounding.
    pub fn fits(self, precision: u8, scale: i8) -> bool {
        self.scale as i32 <= scale as i32 && rescale(self, precision, scale).is_ok()
    }
}

/// Reads `12`, `-1.50`, `.5`, `1e-3`. Digits beyond the 38th are an overflow (22003).
pub fn parse_numeric(text: &str) -> Result<Parsed> {
    let bad = || {
        SqlError::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type numeric: \"{text}\""),
        )
    };
    let overflow = || {
        SqlError::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "numeric field overflow",
        )
    };
    let trimmed = text.trim();
    let (body, exponent) = match trimmed.find(['e', 'E']) {
        Some(i) => {
            let exponent: i32 = trimmed[i + 1..].parse().map_err(|_| bad())?;
            (&trimmed[..i], exponent)
        }
        None => (trimmed, 0),
    };
    let (negative, body) = match body.as_bytes().first() {
        Some(b'-') => (true, &body[1..]),
        Some(b'+') => (false, &body[1..]),
        _ => (false, body),
    };
    let mut unscaled: i128 = 0;
    let mut scale: i64 = 0;
    let (mut seen_point, mut seen_digit) = (false, false);
    for b in body.bytes() {
        match b {
            b'0'..=b'9' => {
                seen_digit = true;
                unscaled = unscaled
                    .checked_mul(10)
                    .and_then(|v| v.checked_add((b - b'0') as i128))
                    .ok_or_else(overflow)?;
                scale += seen_point as i64;
            }
            b'.' if !seen_point => seen_point = true,
            _ => return Err(bad()),
        }
    }
    if !seen_digit {
        return Err(bad());
    }
    scale -= exponent as i64;
    while scale < 0 {
        if unscaled == 0 {
            scale = 0;
            break;
        }
        unscaled = unscaled.checked_mul(10).ok_or_else(overflow)?;
        scale += 1;
    }
    // Trailing zeros carry no value; without them more numbers fit.
    while scale > 38 && unscaled % 10 == 0 && unscaled != 0 {
        unscaled /= 10;
        scale -= 1;
    }
    if unscaled == 0 {
        scale = scale.min(38);
    }
    if scale > 76 {
        return Ok(Parsed {
            unscaled: 0,
            scale: 0,
        });
    }
    Ok(Parsed {
        unscaled: if negative { -unscaled } else { unscaled },
        scale: scale as u32,
    })
}

/// The unscaled value at `scale`, rounded half away from zero; an overflow of `precision` is
/// 22003.
pub fn rescale(number: Parsed, precision: u8, scale: i8) -> Result<i128> {
    let overflow = || {
        SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").with_detail(
            format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than 10^{}.",
                precision as i32 - scale as i32
            ),
        )
    };
    let shift = scale as i32 - number.scale as i32;
    let value = if shift >= 0 {
        let factor = 10i128.checked_pow(shift as u32).ok_or_else(overflow)?;
        number.unscaled.checked_mul(factor).ok_or_else(overflow)?
    } else {
        match 10i128.checked_pow(-shift as u32) {
            None => 0,
            Some(factor) => {
                let (q, r) = (number.unscaled / factor, number.unscaled % factor);
                if r.abs() >= factor - r.abs() {
                    q + number.unscaled.signum()
                } else {
                    q
                }
            }
        }
    };
    let limit = 10u128.checked_pow(precision as u32).ok_or_else(overflow)?;
    if value.unsigned_abs() >= limit {
        Err(overflow())
    } else {
        Ok(value)
    }
}

/// Appends PostgreSQL's binary NUMERIC: groups of four decimal digits.
pub fn write_pg_binary(value: i128, scale: i8, out: &mut BytesMut) {
    let scale_len = scale.max(0) as u32;
    let unit = 10u128.pow(scale_len.min(38));
    let magnitude = value.unsigned_abs();
    let (mut whole, mut fraction) = (magnitude / unit, magnitude % unit);
    let mut groups: Vec<i16> = Vec::new();
    while whole > 0 {
        groups.push((whole % 10_000) as i16);
        whole /= 10_000;
    }
    groups.reverse();
    let mut weight = groups.len() as i32 - 1;
    let mut left = scale_len as i32;
    while left > 0 {
        let take = left.min(4) as u32;
        left -= take as i32;
        let below = 10u128.pow(left as u32);
        let group = (fraction / below) as i16 * 10i16.pow(4 - take);
        fraction %= below;
        groups.push(group);
    }
    let leading = groups.iter().take_while(|g| **g == 0).count();
    groups.drain(..leading);
    weight -= leading as i32;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    out.put_i16(groups.len() as i16);
    out.put_i16(weight as i16);
    out.put_u16(if value < 0 { 0x4000 } else { 0 });
    out.put_i16(scale_len as i16);
    for group in groups {
        out.put_i16(group);
    }
}

/// Reads PostgreSQL's binary NUMERIC. NaN is refused: DECIMAL has none.
pub fn read_pg_binary(bytes: &[u8]) -> Result<Parsed> {
    let bad = || {
        SqlError::new(
            SqlState::PROTOCOL_VIOLATION,
            "invalid binary value for type numeric",
        )
    };
    let overflow = || {
        SqlError::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "numeric field overflow",
        )
    };
    let word = |i: usize| -> Result<i16> {
        let pair = bytes.get(2 * i..2 * i + 2).ok_or_else(bad)?;
        Ok(i16::from_be_bytes([pair[0], pair[1]]))
    };
    let (count, weight, sign, scale) = (word(0)?, word(1)? as i32, word(2)? as u16, word(3)?);
    if count < 0 || bytes.len() != 8 + 2 * count as usize || scale < 0 {
        return Err(bad());
    }
    if sign == 0xC000 {
        return Err(SqlError::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "NaN is not a value of type numeric",
        ));
    }
    if sign != 0 && sign != 0x4000 {
        return Err(bad());
    }
    let mut unscaled: i128 = 0;
    // Decimals that the groups read so far cover (negative: whole digits still to come).
    let mut covered = -4 * (weight + 1);
    for i in 0..count as usize {
        let group = word(4 + i)?;
        if !(0..10_000).contains(&group) {
            return Err(bad());
        }
        covered += 4;
        // The last group may hold zeros past the scale, which must not count as digits.
        let (mut group, mut unit) = (group, 10_000);
        while covered > scale as i32 && covered > 0 && unit > 1 && group % 10 == 0 {
            group /= 10;
            unit /= 10;
            covered -= 1;
        }
        unscaled = unscaled
            .checked_mul(unit)
            .and_then(|v| v.checked_add(group as i128))
            .ok_or_else(overflow)?;
    }
    if unscaled == 0 {
        covered = 0;
    }
    while covered < 0 {
        unscaled = unscaled.checked_mul(10).ok_or_else(overflow)?;
        covered += 1;
    }
    Ok(Parsed {
        unscaled: if sign == 0x4000 { -unscaled } else { unscaled },
        scale: covered.max(0) as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: i128, scale: i8) -> String {
        let mut out = BytesMut::new();
        write_numeric(value, scale, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn as_text() {
        assert_eq!(text(12345, 2), "123.45");
        assert_eq!(text(-5, 3), "-0.005");
        assert_eq!(text(0, 2), "0.00");
        assert_eq!(text(7, 0), "7");
        assert_eq!(
            text(i128::pow(10, 38) - 1, 0),
            "99999999999999999999999999999999999999"
        );
    }

    #[test]
    fn from_text() {
        let p = |s| parse_numeric(s).unwrap();
        assert_eq!(
            p(" -1.50 "),
            Parsed {
                unscaled: -150,
                scale: 2
            }
        );
        assert_eq!(
            p("1e3"),
            Parsed {
                unscaled: 1000,
                scale: 0
            }
        );
        assert_eq!(
            p("25e-1"),
            Parsed {
                unscaled: 25,
                scale: 1
            }
        );
        assert_eq!(
            p(".5"),
            Parsed {
                unscaled: 5,
                scale: 1
            }
        );
        assert!(parse_numeric("1.2.3").is_err());
        assert!(parse_numeric("").is_err());
        assert!(parse_numeric("-").is_err());
        assert!(parse_numeric("1e999999").is_err());
        assert_eq!(p("1e-2000000000").unscaled, 0);
        assert_eq!(p("0e2000000000").unscaled, 0);
    }

    #[test]
    fn rounds_half_away_from_zero() {
        let r = |s, p, sc| rescale(parse_numeric(s).unwrap(), p, sc).unwrap();
        assert_eq!(r("1.005", 10, 2), 101);
        assert_eq!(r("-1.005", 10, 2), -101);
        assert_eq!(r("1.0049", 10, 2), 100);
        assert!(rescale(parse_numeric("999.995").unwrap(), 5, 2).is_err());
    }

    #[test]
    fn postgres_groups() {
        // 12345.678: groups 1, 2345, 6780; weight 1; scale 3.
        let mut out = BytesMut::new();
        write_pg_binary(12_345_678, 3, &mut out);
        let want: [u8; 14] = [0, 3, 0, 1, 0, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1A, 0x7C];
        assert_eq!(&out[..], &want);
        assert_eq!(
            read_pg_binary(&want).unwrap(),
            Parsed {
                unscaled: 12_345_678,
                scale: 3
            }
        );
        for (value, scale) in [
            (12345678901234567890123456780123456789, 10),
            (10i128.pow(38) - 1, 37),
            (0, 0),
            (5, 4),
            (-1, 10),
            (100_000_000, 0),
            (1, 0),
            (10_000, 4),
        ] {
            let mut out = BytesMut::new();
            write_pg_binary(value, scale, &mut out);
            let back = read_pg_binary(&out).unwrap();
            assert_eq!(rescale(back, 38, scale).unwrap(), value);
        }
    }
}
