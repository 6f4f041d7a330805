//! Numbers as COPY reads them: straight from bytes, with the position of what is wrong.

use super::errors::FieldError;

/// Digits a `u64` always holds.
const SAFE_DIGITS: usize = 19;

fn overflow(what: &str, range: String) -> FieldError {
    FieldError::new(1204, format!("Overflow ({what} valid range {range})"))
}

/// An integer between `least` and `most`; `kind` is what the error calls the type.
pub(crate) fn integer(bytes: &[u8], least: i64, most: i64, kind: &str) -> Result<i64, FieldError> {
    let (negative, from) = match bytes.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    };
    let digits = &bytes[from..];
    if digits.is_empty() {
        return Err(FieldError::digit(bytes, 0, kind));
    }
    if digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit) {
        let value = digits.iter().fold(0, |v, b| v * 10 + i64::from(b - b'0'));
        let value = if negative { -value } else { value };
        if (least..=most).contains(&value) {
            return Ok(value);
        }
    }
    let mut value: u64 = 0;
    let mut large = false;
    for (i, b) in digits.iter().enumerate() {
        let d = b.wrapping_sub(b'0');
        if d > 9 {
            return Err(FieldError::digit(bytes, from + i, kind));
        }
        if i < SAFE_DIGITS {
            value = value * 10 + u64::from(d);
        } else {
            match value
                .checked_mul(10)
                .and_then(|v| v.checked_add(u64::from(d)))
            {
                Some(v) => value = v,
                None => large = true,
            }
        }
    }
    let wide = if negative {
        -i128::from(value)
    } else {
        i128::from(value)
    };
    if large || wide < i128::from(least) || wide > i128::from(most) {
        return Err(overflow(kind, format!("{least} to {most}")));
    }
    Ok(wide as i64)
}

/// A decimal of this precision (at most 18) and scale as most are written: `None` is for [`decimal`] to
/// read or to refuse.
#[inline]
pub(crate) fn short_decimal(bytes: &[u8], precision: u8, scale: i8) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    let scale = usize::try_from(scale).ok()?;
    let mut value = 0u64;
    let mut decimals = 0;
    // So many digits have room in any case.
    if digits.len() > 16 {
        return None;
    }
    let mut rest = digits.iter();
    for b in rest.by_ref() {
        let d = b.wrapping_sub(b'0');
        if d > 9 {
            if *b != b'.' {
                return None;
            }
            break;
        }
        value = value * 10 + u64::from(d);
    }
    for b in rest {
        let d = b.wrapping_sub(b'0');
        if d > 9 {
            return None;
        }
        value = value * 10 + u64::from(d);
        decimals += 1;
    }
    let missing = scale.checked_sub(decimals)?;
    let value = value.checked_mul(*TENS.get(missing)?)?;
    // A sign or a point alone is no number.
    if value >= *TENS.get(usize::from(precision))? || !digits.iter().any(u8::is_ascii_digit) {
        return None;
    }
    let value = value as i64;
    Some(if negative { -value } else { value })
}

/// Powers of ten.
const TENS: [u64; 19] = {
    let mut tens = [1; 19];
    let mut i = 1;
    while i < 19 {
        tens[i] = tens[i - 1] * 10;
        i += 1;
    }
    tens
};

/// A decimal of this precision and scale, unscaled. More decimals are cut off, or rounded.
pub(crate) fn decimal(
    bytes: &[u8],
    precision: u8,
    scale: i8,
    round: bool,
) -> Result<i128, FieldError> {
    const KIND: &str = "Decimal";
    let scale = scale.max(0) as usize;
    let (negative, from) = match bytes.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    };
    let too_large = || {
        FieldError::new(
            1204,
            format!("Overflow (Decimal value does not fit NUMERIC({precision},{scale}))"),
        )
    };
    // Up to 19 digits in a word, more in two.
    let mut short: u64 = 0;
    let mut long: i128 = 0;
    let mut count = 0;
    let mut decimals: Option<usize> = None;
    let mut any = false;
    let mut up = false;
    let mut take = |d: u8| -> Option<()> {
        if count < SAFE_DIGITS {
            short = short * 10 + u64::from(d);
        } else {
            if count == SAFE_DIGITS {
                long = i128::from(short);
            }
            long = long.checked_mul(10)?.checked_add(i128::from(d))?;
        }
        // Zeros in front do not count.
        if count > 0 || d > 0 {
            count += 1;
        }
        Some(())
    };
    let mut at = from;
    while at < bytes.len() {
        let b = bytes[at];
        match b {
            b'0'..=b'9' => {
                any = true;
                match &mut decimals {
                    None => take(b - b'0').ok_or_else(too_large)?,
                    Some(n) if *n < scale => {
                        *n += 1;
                        take(b - b'0').ok_or_else(too_large)?;
                    }
                    Some(n) => {
                        if *n == scale {
                            up = b >= b'5';
                        }
                        *n += 1;
                    }
                }
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            b'e' | b'E' if any => return scientific(bytes, at, precision, scale, round),
            _ => return Err(FieldError::digit(bytes, at, KIND)),
        }
        at += 1;
    }
    if !any {
        return Err(FieldError::digit(bytes, 0, KIND));
    }
    for _ in decimals.unwrap_or(0).min(scale)..scale {
        take(0).ok_or_else(too_large)?;
    }
    let mut value = if count <= SAFE_DIGITS {
        i128::from(short)
    } else {
        long
    };
    if up && round {
        value += 1;
    }
    if value >= 10i128.pow(u32::from(precision)) {
        return Err(too_large());
    }
    Ok(if negative { -value } else { value })
}

/// A number with an exponent.
fn scientific(
    bytes: &[u8],
    at: usize,
    precision: u8,
    scale: usize,
    round: bool,
) -> Result<i128, FieldError> {
    let bad = || {
        FieldError::new(
            1207,
            format!(
                "Invalid exponent, Value '{}', Pos {at}, Type: Decimal",
                bytes[at] as char
            ),
        )
    };
    let text = std::str::from_utf8(bytes).map_err(|_| bad())?;
    let number = lw_pgrepr::numeric::parse_numeric(text).map_err(|_| bad())?;
    let mut value = number.unscaled;
    let have = number.scale as usize;
    let too_large = || {
        FieldError::new(
            1204,
            format!("Overflow (Decimal value does not fit NUMERIC({precision},{scale}))"),
        )
    };
    if have > scale {
        let unit = 10i128
            .checked_pow((have - scale) as u32)
            .unwrap_or(i128::MAX);
        let rest = value % unit;
        value /= unit;
        if round && rest.unsigned_abs() >= (unit / 2) as u128 {
            value += rest.signum();
        }
    } else {
        let unit = 10i128
            .checked_pow((scale - have) as u32)
            .ok_or_else(too_large)?;
        value = value.checked_mul(unit).ok_or_else(too_large)?;
    }
    if value.unsigned_abs() >= 10u128.pow(u32::from(precision)) {
        return Err(too_large());
    }
    Ok(value)
}

/// A floating-point number.
pub(crate) fn float(bytes: &[u8], single: bool) -> Result<f64, FieldError> {
    let kind = if single { "Float4" } else { "Float8" };
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let value: f64 = text.parse().map_err(|_| {
        let position = bytes
            .iter()
            .position(|b| !matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            .unwrap_or(0);
        FieldError {
            code: 1208,
            ..FieldError::digit(bytes, position, kind)
        }
    })?;
    let written = bytes.iter().any(u8::is_ascii_digit);
    if written && (value.is_infinite() || single && (value as f32).is_infinite()) {
        return Err(FieldError::new(1204, format!("Overflow ({kind})")));
    }
    Ok(value)
}

/// A boolean.
pub(crate) fn boolean(bytes: &[u8]) -> Result<bool, FieldError> {
    let mut lower = [0u8; 5];
    if bytes.len() <= 5 {
        for (to, b) in lower.iter_mut().zip(bytes) {
            *to = b.to_ascii_lowercase();
        }
        match &lower[..bytes.len()] {
            b"t" | b"true" | b"y" | b"yes" | b"1" | b"on" => return Ok(true),
            b"f" | b"false" | b"n" | b"no" | b"0" | b"off" => return Ok(false),
            _ => {}
        }
    }
    Err(FieldError::new(1210, "Unknown boolean format"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        let int = |b: &[u8]| integer(b, i32::MIN.into(), i32::MAX.into(), "Integer");
        assert_eq!(int(b"-2147483648").unwrap(), -2147483648);
        assert_eq!(int(b"+7").unwrap(), 7);
        assert_eq!(int(b"2147483648").unwrap_err().code, 1204);
        assert_eq!(int(b"99999999999999999999999").unwrap_err().code, 1204);
        let digit = int(b"12a").unwrap_err();
        assert_eq!(
            digit.reason,
            "Invalid digit, Value 'a', Pos 2, Type: Integer"
        );
        assert_eq!(int(b"1.5").unwrap_err().position, 1);
        assert!(int(b"-").is_err());
        let long = |b: &[u8]| integer(b, i64::MIN, i64::MAX, "Long");
        assert_eq!(long(b"-9223372036854775808").unwrap(), i64::MIN);
        assert_eq!(long(b"9223372036854775808").unwrap_err().code, 1204);
    }

    #[test]
    fn short_decimals_are_those_of_the_long_way() {
        for text in [
            "0",
            "5",
            "-5",
            "20.25",
            "-20.25",
            ".5",
            "5.",
            "-.05",
            "007.10",
            "999999.99",
        ] {
            let short = short_decimal(text.as_bytes(), 8, 2).unwrap();
            let long = decimal(text.as_bytes(), 8, 2, false).unwrap();
            assert_eq!(i128::from(short), long, "{text}");
        }
        for text in [
            "", "-", ".", "-.", "+5", "1e3", "20.259", "1000000", "1,5", "--5", "1.2.3",
        ] {
            assert_eq!(short_decimal(text.as_bytes(), 8, 2), None, "{text}");
        }
        assert_eq!(
            short_decimal(b"9999999999999999", 18, 2),
            Some(999_999_999_999_999_900)
        );
        assert_eq!(short_decimal(b"9999999999999999", 18, 4), None);
        assert_eq!(short_decimal(b"0000000000000001", 18, 18), None);
    }

    #[test]
    fn decimals_are_cut_or_rounded() {
        assert_eq!(decimal(b"20.259", 8, 2, false).unwrap(), 2025);
        assert_eq!(decimal(b"20.259", 8, 2, true).unwrap(), 2026);
        assert_eq!(decimal(b"-20.255", 8, 2, true).unwrap(), -2026);
        assert_eq!(decimal(b"5", 8, 2, false).unwrap(), 500);
        assert_eq!(decimal(b".5", 8, 2, false).unwrap(), 50);
        assert_eq!(decimal(b"1.5e3", 8, 2, false).unwrap(), 150_000);
        assert_eq!(decimal(b"999999.99", 8, 2, false).unwrap(), 99_999_999);
        assert_eq!(decimal(b"1000000", 8, 2, false).unwrap_err().code, 1204);
        assert_eq!(
            decimal(b"12345678901234567890123456789012345678", 38, 0, false).unwrap(),
            12345678901234567890123456789012345678
        );
        assert_eq!(
            decimal(b"000000000000000000000000000000000000000001.5", 5, 1, false).unwrap(),
            15
        );
        assert!(decimal(b"1234567890123456789012345678901234567890", 38, 0, false).is_err());
        assert_eq!(
            decimal(b"1,5", 8, 2, false).unwrap_err().reason,
            "Invalid digit, Value ',', Pos 1, Type: Decimal"
        );
    }

    #[test]
    fn floats_and_booleans() {
        assert_eq!(float(b"1.5e3", false).unwrap(), 1500.0);
        assert_eq!(float(b"x", false).unwrap_err().code, 1208);
        assert_eq!(float(b"1e39", true).unwrap_err().code, 1204);
        assert!(boolean(b"TRUE").unwrap());
        assert!(!boolean(b"no").unwrap());
        assert_eq!(
            boolean(b"maybe").unwrap_err().reason,
            "Unknown boolean format"
        );
    }
}
