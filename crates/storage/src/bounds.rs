//! Bounds of columns: smallest and largest value and the number of nulls.

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::compute;
use arrow::datatypes::*;
use lw_catalog::{Bound, ColumnBounds};

/// Strings in bounds are cut to this many bytes.
pub const MAX_TEXT: usize = 64;

/// The bounds of one array.
pub fn of(array: &dyn Array) -> ColumnBounds {
    let (min, max) = min_max(array).unzip();
    ColumnBounds {
        min: min.flatten(),
        max: max.flatten(),
        nulls: Some(array.null_count() as u64),
    }
}

/// Widens `into` by `other`. A side nothing is known of stays unknown only if it has values: an
/// all-null side (no bounds, as many nulls as rows) must be merged with [`merge`]'s `other_rows`.
pub fn merge(into: &mut ColumnBounds, into_rows: u64, other: &ColumnBounds, other_rows: u64) {
    let empty = |b: &ColumnBounds, rows: u64| b.nulls == Some(rows);
    if empty(into, into_rows) {
        into.min = other.min.clone();
        into.max = other.max.clone();
    } else if !empty(other, other_rows) {
        into.min = pick(into.min.take(), other.min.as_ref(), true);
        into.max = pick(into.max.take(), other.max.as_ref(), false);
    }
    into.nulls = match (into.nulls, other.nulls) {
        (Some(a), Some(b)) => Some(a + b),
        _ => None,
    };
}

fn pick(a: Option<Bound>, b: Option<&Bound>, smaller: bool) -> Option<Bound> {
    let (a, b) = (a?, b?);
    let a_less = compare(&a, b)? == std::cmp::Ordering::Less;
    Some(if a_less == smaller { a } else { b.clone() })
}

/// Orders two bounds of one family.
pub fn compare(a: &Bound, b: &Bound) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Bound::Int(a), Bound::Int(b)) => Some(a.cmp(b)),
        (Bound::Decimal(a), Bound::Decimal(b)) => Some(a.cmp(b)),
        (Bound::Float(a), Bound::Float(b)) => a.partial_cmp(b),
        (Bound::Text(a), Bound::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        _ => None,
    }
}

fn min_max(array: &dyn Array) -> Option<(Option<Bound>, Option<Bound>)> {
    macro_rules! ints {
        ($t:ty) => {{
            let a = array.as_primitive::<$t>();
            Some((
                compute::min(a).map(|v| Bound::Int(v as i64)),
                compute::max(a).map(|v| Bound::Int(v as i64)),
            ))
        }};
    }
    macro_rules! floats {
        ($t:ty) => {{
            let a = array.as_primitive::<$t>();
            // NaN and the infinities have no form in the catalog's store: no bound then.
            let bound = |v: Option<f64>| v.filter(|v| v.is_finite()).map(Bound::Float);
            let (min, max) = (
                bound(compute::min(a).map(|v| v as f64)),
                bound(compute::max(a).map(|v| v as f64)),
            );
            min.zip(max).map(|(min, max)| (Some(min), Some(max)))
        }};
    }
    match array.data_type() {
        DataType::Boolean => {
            let a = array.as_boolean();
            Some((
                compute::min_boolean(a).map(|v| Bound::Int(v as i64)),
                compute::max_boolean(a).map(|v| Bound::Int(v as i64)),
            ))
        }
        DataType::Int16 => ints!(Int16Type),
        DataType::Int32 => ints!(Int32Type),
        DataType::Int64 => ints!(Int64Type),
        DataType::UInt32 => ints!(UInt32Type),
        DataType::Date32 => ints!(Date32Type),
        DataType::Time64(TimeUnit::Microsecond) => ints!(Time64MicrosecondType),
        DataType::Time64(TimeUnit::Nanosecond) => ints!(Time64NanosecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => ints!(TimestampMicrosecondType),
        DataType::Decimal64(..) => {
            let a = array.as_primitive::<Decimal64Type>();
            Some((
                compute::min(a).map(|v| Bound::Decimal(v.into())),
                compute::max(a).map(|v| Bound::Decimal(v.into())),
            ))
        }
        DataType::Decimal128(..) => {
            let a = array.as_primitive::<Decimal128Type>();
            Some((
                compute::min(a).map(Bound::Decimal),
                compute::max(a).map(Bound::Decimal),
            ))
        }
        DataType::Float32 => floats!(Float32Type),
        DataType::Float64 => floats!(Float64Type),
        DataType::Utf8View => {
            let Some((min, max)) = extremes(array.as_string_view()) else {
                return Some((None, None));
            };
            let min = Some(Bound::Text(cut(min).to_string()));
            let max = match max.len() <= MAX_TEXT {
                true => Some(max.to_string()),
                false => raise(cut(max)),
            };
            Some((min, max.map(Bound::Text)))
        }
        _ => None,
    }
}

/// The smallest and the largest text. A view holds its text's first four bytes, which mostly decide.
fn extremes(array: &StringViewArray) -> Option<(&str, &str)> {
    // Padded with zeros: a text that ends earlier is the smaller one. Equal prefixes decide nothing.
    let prefix = |view: u128| (view >> 32) as u32;
    let mut found: Option<(usize, usize, u32, u32)> = None;
    for (i, view) in array.views().iter().enumerate() {
        if array.is_null(i) {
            continue;
        }
        let this = prefix(*view).swap_bytes();
        let Some((min, max, low, high)) = &mut found else {
            found = Some((i, i, this, this));
            continue;
        };
        if this < *low || this == *low && array.value(i) < array.value(*min) {
            (*min, *low) = (i, this);
        }
        if this > *high || this == *high && array.value(i) > array.value(*max) {
            (*max, *high) = (i, this);
        }
    }
    found.map(|(min, max, ..)| (array.value(min), array.value(max)))
}

/// The longest prefix of at most [`MAX_TEXT`] bytes.
fn cut(s: &str) -> &str {
    let mut end = s.len().min(MAX_TEXT);
    while !s.is_char_boundary(end) {
        end -= 1;
    }
    &s[..end]
}

/// A string larger than every string with this prefix, if there is one.
fn raise(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let mut next = last as u32 + 1;
        if (0xD800..0xE000).contains(&next) {
            next = 0xE000;
        }
        if let Some(c) = char::from_u32(next) {
            chars.push(c);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Bounds of several arrays of one column.
pub fn of_all<'a>(arrays: impl IntoIterator<Item = &'a ArrayRef>) -> ColumnBounds {
    let mut all = ColumnBounds {
        nulls: Some(0),
        ..Default::default()
    };
    let mut rows = 0;
    for array in arrays {
        let one = of(array.as_ref());
        merge(&mut all, rows, &one, array.len() as u64);
        rows += array.len() as u64;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int32Array, StringViewArray};

    #[test]
    fn integers_and_nulls() {
        let b = of(&Int32Array::from(vec![Some(3), None, Some(-7)]));
        assert_eq!(b.min, Some(Bound::Int(-7)));
        assert_eq!(b.max, Some(Bound::Int(3)));
        assert_eq!(b.nulls, Some(1));
    }

    #[test]
    fn long_strings_are_cut_down_and_raised() {
        let long = "b".repeat(100);
        let b = of(&StringViewArray::from(vec![long.as_str(), "c"]));
        assert_eq!(b.min, Some(Bound::Text("b".repeat(64))));
        assert_eq!(b.max, Some(Bound::Text("c".into())));
        let b = of(&StringViewArray::from(vec![long.as_str()]));
        let want = format!("{}c", "b".repeat(63));
        assert_eq!(b.max, Some(Bound::Text(want)));
    }

    #[test]
    fn texts_of_one_prefix_are_compared_whole() {
        let texts = [
            Some("abcdz"),
            None,
            Some("abcd"),
            Some("abc"),
            Some("abcd\0"),
            Some("b"),
        ];
        let b = of(&StringViewArray::from_iter(texts));
        assert_eq!(b.min, Some(Bound::Text("abc".into())));
        assert_eq!(b.max, Some(Bound::Text("b".into())));
        let b = of(&StringViewArray::from(vec!["ab\0", "ab", "ab\0\0\0"]));
        assert_eq!(b.min, Some(Bound::Text("ab".into())));
        assert_eq!(b.max, Some(Bound::Text("ab\0\0\0".into())));
    }

    #[test]
    fn nan_gives_no_bounds() {
        let b = of(&Float64Array::from(vec![1.0, f64::NAN]));
        assert_eq!((b.min, b.max), (None, None));
    }

    #[test]
    fn all_null_parts_do_not_hide_bounds() {
        let a: ArrayRef = std::sync::Arc::new(Int32Array::from(vec![None, None]));
        let b: ArrayRef = std::sync::Arc::new(Int32Array::from(vec![Some(5)]));
        for arrays in [[&a, &b], [&b, &a]] {
            let all = of_all(arrays);
            assert_eq!(all.min, Some(Bound::Int(5)));
            assert_eq!(all.max, Some(Bound::Int(5)));
            assert_eq!(all.nulls, Some(2));
        }
    }
}
