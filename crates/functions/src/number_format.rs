//! Numbers by format strings: `999D99S`, `L99G999`, `RN` (Developer Guide, "Numeric format
//! strings").

use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::numeric::{Parsed, parse_numeric, rescale};

use crate::cast::rescaled;
use crate::error::numeric_overflow;

/// A format taken apart.
#[derive(Debug, Default, Clone)]
struct Format {
    /// Places in order: digits, points, groups, and the text between them.
    places: Vec<Place>,
    whole: usize,
    decimals: usize,
    fill: bool,
    sign: Sign,
    roman: Option<bool>,
    ordinal: Option<bool>,
    /// Digits after V: the number is multiplied.
    shift: usize,
    exponent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Nine,
    Zero,
    Point,
    Group,
    Currency,
    Sign,
    Minus,
    Plus,
    SignBoth,
    Char(char),
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Sign {
    /// Before the first digit, a blank for a positive number.
    #[default]
    Floating,
    /// Where the format says.
    Placed,
    /// `<12>`
    Angle,
}

fn parse(format: &str) -> Result<Format> {
    let mut f = Format {
        fill: true,
        ..Format::default()
    };
    let mut rest = format;
    let mut after_point = false;
    let mut after_v = false;
    while !rest.is_empty() {
        let eat = |n: usize| &rest[n..];
        let upper = rest
            .get(..4.min(rest.len()))
            .unwrap_or(rest)
            .to_ascii_uppercase();
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"').unwrap_or(quoted.len());
            f.places.extend(quoted[..end].chars().map(Place::Char));
            rest = quoted.get(end + 1..).unwrap_or("");
            continue;
        }
        if upper.starts_with("EEEE") {
            f.exponent = true;
            rest = eat(4);
        } else if upper.starts_with("FM") {
            f.fill = false;
            rest = eat(2);
        } else if upper.starts_with("RN") {
            f.roman = Some(rest.starts_with('R'));
            rest = eat(2);
        } else if upper.starts_with("PR") {
            f.sign = Sign::Angle;
            rest = eat(2);
        } else if upper.starts_with("MI") {
            f.sign = Sign::Placed;
            f.places.push(Place::Minus);
            rest = eat(2);
        } else if upper.starts_with("PL") {
            f.sign = Sign::Placed;
            f.places.push(Place::Plus);
            rest = eat(2);
        } else if upper.starts_with("SG") {
            f.sign = Sign::Placed;
            f.places.push(Place::SignBoth);
            rest = eat(2);
        } else if upper.starts_with("TH") {
            f.ordinal = Some(rest.starts_with("TH"));
            rest = eat(2);
        } else {
            let c = rest.chars().next().unwrap_or(' ');
            match c {
                '9' | '0' => {
                    f.places
                        .push(if c == '9' { Place::Nine } else { Place::Zero });
                    if after_v {
                        f.shift += 1;
                        f.whole += 1;
                    } else if after_point {
                        f.decimals += 1;
                    } else {
                        f.whole += 1;
                    }
                }
                '.' | 'D' | 'd' => {
                    if after_point {
                        return Err(bad_format("multiple decimal points"));
                    }
                    after_point = true;
                    f.places.push(Place::Point);
                }
                ',' | 'G' | 'g' => f.places.push(Place::Group),
                'L' | 'l' | '$' => f.places.push(Place::Currency),
                'S' | 's' => {
                    f.sign = Sign::Placed;
                    f.places.push(Place::Sign);
                }
                'V' | 'v' => after_v = true,
                other => f.places.push(Place::Char(other)),
            }
            rest = eat(c.len_utf8());
        }
    }
    Ok(f)
}

fn bad_format(why: &str) -> SqlError {
    SqlError::syntax(why.to_string())
}

/// Precision and scale a format has room for.
pub fn digits(format: &str) -> (u8, i8) {
    match parse(format) {
        Ok(f) => {
            let scale = f.decimals.min(37);
            let precision = (f.whole + scale).clamp(1, 38).max(scale);
            (precision as u8, scale as i8)
        }
        Err(_) => (38, 10),
    }
}

/// TO_CHAR of a float.
pub fn float_to_char(value: f64, format: &str) -> Result<String> {
    if parse(format)?.exponent {
        let f = parse(format)?;
        let text = format!("{value:.*e}", f.decimals);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { '-' } else { '+' };
        let blank = if value >= 0.0 { " " } else { "" };
        return Ok(format!("{blank}{mantissa}e{sign}{:02}", exponent.abs()));
    }
    let decimals = parse(format)?.decimals;
    let text = format!("{value:.decimals$}");
    match parse_numeric(&text) {
        Ok(Parsed { unscaled, scale }) => to_char(unscaled, scale as i8, format),
        Err(_) => Ok("#".repeat(format.len())),
    }
}

/// TO_CHAR of a DECIMAL.
pub fn to_char(value: i128, scale: i8, format: &str) -> Result<String> {
    let f = parse(format)?;
    if let Some(upper) = f.roman {
        return Ok(roman(rescaled(value, scale, 0).unwrap_or(0), upper, f.fill));
    }
    if f.exponent {
        return float_to_char(crate::cast::decimal_to_f64(value, scale), format);
    }
    let shifted = (0..f.shift)
        .try_fold(value, |v, _| v.checked_mul(10))
        .ok_or_else(numeric_overflow)?;
    let value = rescaled(shifted, scale, f.decimals as i8).ok_or_else(numeric_overflow)?;
    let negative = value < 0;
    let text = format!("{:0width$}", value.unsigned_abs(), width = f.decimals + 1);
    let (whole, fraction) = text.split_at(text.len() - f.decimals);
    let whole = whole.trim_start_matches('0');
    let room = f.whole;
    if whole.len() > room {
        return Ok(overflowed(&f));
    }
    let mut out = String::new();
    let first_zero = f
        .places
        .iter()
        .filter(|p| matches!(p, Place::Nine | Place::Zero | Place::Point));
    let mut zero_at = usize::MAX;
    for (i, p) in first_zero.enumerate() {
        if matches!(p, Place::Zero) {
            zero_at = i;
            break;
        }
        if matches!(p, Place::Point) {
            break;
        }
    }
    // A value below one shows a zero before its point where the format begins with 0 or has one.
    let mut digit = 0usize;
    let mut fraction_digit = 0usize;
    let mut started = false;
    let mut seen_point = false;
    let sign_char = if negative { '-' } else { '+' };
    let mut sign_done = f.sign != Sign::Floating;
    let trimmed_fraction = fraction.trim_end_matches('0');
    let mut put_sign = |out: &mut String| {
        if !sign_done {
            sign_done = true;
            match negative {
                true => out.push('-'),
                false if f.fill => out.push(' '),
                false => {}
            }
        }
    };
    let mut body = String::new();
    let angle_open = |out: &mut String| {
        if f.sign == Sign::Angle {
            match negative {
                true => out.push('<'),
                false if f.fill => out.push(' '),
                false => {}
            }
        }
    };
    let mut opened = false;
    for place in &f.places {
        match place {
            Place::Nine | Place::Zero if !seen_point => {
                let pad = room - whole.len();
                let is_pad = digit < pad;
                let shown = if !is_pad {
                    Some(whole.as_bytes()[digit - pad] as char)
                } else if digit >= zero_at || (digit + 1 == room && f.decimals == 0) {
                    Some('0')
                } else {
                    None
                };
                digit += 1;
                match shown {
                    Some(c) => {
                        if !opened {
                            opened = true;
                            put_sign(&mut body);
                            angle_open(&mut body);
                        }
                        started = true;
                        body.push(c);
                    }
                    None if f.fill => body.push(' '),
                    None => {}
                }
            }
            Place::Nine | Place::Zero => {
                if !opened {
                    opened = true;
                    put_sign(&mut body);
                    angle_open(&mut body);
                }
                let c = fraction
                    .as_bytes()
                    .get(fraction_digit)
                    .map_or('0', |b| *b as char);
                // FM leaves out zeros at the end that stand for a 9.
                let keep =
                    f.fill || *place == Place::Zero || fraction_digit < trimmed_fraction.len();
                fraction_digit += 1;
                if keep {
                    body.push(c);
                }
            }
            Place::Point => {
                seen_point = true;
                if !opened {
                    opened = true;
                    put_sign(&mut body);
                    angle_open(&mut body);
                }
                started = true;
                body.push('.');
            }
            Place::Group => match started {
                true => body.push(','),
                false if f.fill => body.push(' '),
                false => {}
            },
            Place::Currency => body.push('$'),
            Place::Sign | Place::SignBoth => body.push(sign_char),
            Place::Minus => match negative {
                true => body.push('-'),
                false if f.fill => body.push(' '),
                false => {}
            },
            Place::Plus => match negative {
                false => body.push('+'),
                true if f.fill => body.push(' '),
                true => {}
            },
            Place::Char(c) => body.push(*c),
        }
    }
    if f.sign == Sign::Angle {
        match negative {
            true => body.push('>'),
            false if f.fill => body.push(' '),
            false => {}
        }
    }
    if let Some(upper) = f.ordinal
        && !negative
        && f.decimals == 0
    {
        body.push_str(crate::format::ordinal(value as i64, upper));
    }
    out.push_str(&body);
    // The blanks of a sign written with S stand before it.
    Ok(align_sign(out, &f))
}

/// With S, L or $ in front, the sign and currency go next to the digits' blanks as PostgreSQL does.
fn align_sign(text: String, f: &Format) -> String {
    let first = f.places.first();
    match first {
        Some(Place::Sign) => {
            let sign = text.chars().next().unwrap_or(' ');
            let rest = &text[sign.len_utf8()..];
            let blanks = rest.len() - rest.trim_start_matches(' ').len();
            format!("{}{sign}{}", &rest[..blanks], &rest[blanks..])
        }
        _ => text,
    }
}

fn overflowed(f: &Format) -> String {
    let mut out = String::from(if f.sign == Sign::Floating { " " } else { "" });
    for place in &f.places {
        match place {
            Place::Nine | Place::Zero => out.push('#'),
            Place::Point => out.push('.'),
            Place::Group => out.push(','),
            Place::Currency => out.push('$'),
            Place::Char(c) => out.push(*c),
            _ => {}
        }
    }
    out
}

/// A Roman numeral, 1 to 3999, in a field of 15.
fn roman(value: i128, upper: bool, fill: bool) -> String {
    const PARTS: [(i128, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..=3999).contains(&value) {
        return "#".repeat(15);
    }
    let mut rest = value;
    let mut out = String::new();
    for (n, letters) in PARTS {
        while rest >= n {
            out.push_str(letters);
            rest -= n;
        }
    }
    let out = if upper { out } else { out.to_lowercase() };
    if fill { format!("{out:>15}") } else { out }
}

/// TO_NUMBER: digits, point and sign by the format; other characters are left out.
pub fn to_number(text: &str, format: &str, precision: u8, scale: i8) -> Result<i128> {
    let f = parse(format)?;
    let bad = || {
        SqlError::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for numeric: \"{text}\""),
        )
    };
    let mut number = String::new();
    let mut negative = false;
    for c in text.trim().chars() {
        match c {
            '0'..='9' => number.push(c),
            '.' if f.places.contains(&Place::Point) => number.push('.'),
            '.' => break,
            '-' => negative = true,
            '<' if f.sign == Sign::Angle => negative = true,
            '+' | '>' | ',' | '$' | ' ' => {}
            c if f.places.contains(&Place::Char(c)) => {}
            _ => return Err(bad()),
        }
    }
    if number.is_empty() {
        return Err(bad());
    }
    let parsed = parse_numeric(&number).map_err(|_| bad())?;
    let value = rescale(parsed, precision, scale).map_err(|_| numeric_overflow())?;
    Ok(if negative { -value } else { value })
}

/// A number as Teradata writes it: the sign at the end, thousands in groups, a currency.
pub fn teradata(text: &str) -> Result<Parsed> {
    let body = text.trim();
    let negative = body.starts_with('-') || body.ends_with('-');
    let digits: String = body
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let odd = body
        .chars()
        .any(|c| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | '$' | ' ')));
    let parsed = parse_numeric(&digits);
    match parsed {
        Ok(mut p) if !odd => {
            if negative {
                p.unscaled = -p.unscaled;
            }
            Ok(p)
        }
        _ => Err(SqlError::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for numeric: \"{text}\""),
        )),
    }
}
