//! Floating-point numbers as text: C's `%.*g`, which is what PostgreSQL 8 printed with.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};

/// Significant digits of DOUBLE PRECISION at `extra_float_digits = 0`.
pub const DBL_DIG: i32 = 15;
/// Significant digits of REAL at `extra_float_digits = 0`.
pub const FLT_DIG: i32 = 6;

/// Appends `value` with at most `digits` significant digits (1 if that is less).
pub fn write_float(value: f64, digits: i32, out: &mut BytesMut) {
    if value.is_nan() {
        return out.put_slice(b"NaN");
    }
    if value.is_infinite() {
        return out.put_slice(if value > 0.0 {
            b"Infinity"
        } else {
            b"-Infinity"
        });
    }
    if value == 0.0 {
        return out.put_slice(if value.is_sign_negative() {
            b"-0"
        } else {
            b"0"
        });
    }
    let digits = digits.clamp(1, 17);
    // Whole numbers are the common case and need no rounding.
    if value.fract() == 0.0 && value.abs() < 10f64.powi(digits.min(15)) {
        let _ = write!(out, "{}", value as i64);
        return;
    }
    let scientific = format!("{:.*e}", digits as usize - 1, value);
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return out.put_slice(scientific.as_bytes());
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let mut figures: String = mantissa.chars().filter(|c| *c != '.').collect();
    figures.truncate(figures.trim_end_matches('0').len().max(1));
    out.put_slice(sign.as_bytes());
    if exponent < -4 || exponent >= digits {
        out.put_slice(&figures.as_bytes()[..1]);
        if figures.len() > 1 {
            out.put_u8(b'.');
            out.put_slice(&figures.as_bytes()[1..]);
        }
        let mark = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{mark}{:02}", exponent.abs());
    } else if exponent < 0 {
        out.put_slice(b"0.");
        out.put_bytes(b'0', (-exponent - 1) as usize);
        out.put_slice(figures.as_bytes());
    } else {
        let whole = exponent as usize + 1;
        if figures.len() <= whole {
            out.put_slice(figures.as_bytes());
            out.put_bytes(b'0', whole - figures.len());
        } else {
            out.put_slice(&figures.as_bytes()[..whole]);
            out.put_u8(b'.');
            out.put_slice(&figures.as_bytes()[whole..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, digits: i32, want: &str) {
        let mut out = BytesMut::new();
        write_float(value, digits, &mut out);
        assert_eq!(std::str::from_utf8(&out), Ok(want));
    }

    #[test]
    fn as_printf_g() {
        check(1.5, 15, "1.5");
        check(0.1, 15, "0.1");
        check(0.1, 17, "0.10000000000000001");
        check(1.0 / 3.0, 15, "0.333333333333333");
        check(2.0 / 3.0, 6, "0.666667");
        check(100.0, 15, "100");
        check(1e15, 15, "1e+15");
        check(123456789012345.0, 15, "123456789012345");
        check(1234567.0, 6, "1.23457e+06");
        check(0.0001, 15, "0.0001");
        check(0.00001, 15, "1e-05");
        check(-2.5e-10, 15, "-2.5e-10");
        check(1.7976931348623157e308, 17, "1.7976931348623157e+308");
        check(f64::NAN, 15, "NaN");
        check(f64::NEG_INFINITY, 15, "-Infinity");
        check(-0.0, 15, "-0");
        check(123.456, 0, "1e+02");
    }
}
