//! Which slice a row belongs to.

use arrow::array::{Array, AsArray};
use arrow::datatypes::*;

/// The slice of each row. The function is part of the storage format: rows of two tables with equal
/// keys share a slice number, whatever the width of the integer type. NULL goes to slice 0.
pub(crate) fn assign(array: &dyn Array, slices: u16) -> Vec<u16> {
    let n = slices.max(1) as u64;
    let pick = |hash: u64| (hash % n) as u16;
    let decimal = |v: i128| pick(mix(v as u64) ^ mix((v >> 64) as u64));
    macro_rules! ints {
        ($t:ty) => {
            array
                .as_primitive::<$t>()
                .iter()
                .map(|v| v.map_or(0, |v| pick(mix(v as i64 as u64))))
                .collect()
        };
    }
    match array.data_type() {
        DataType::Boolean => array
            .as_boolean()
            .iter()
            .map(|v| v.map_or(0, |v| pick(mix(v as u64))))
            .collect(),
        DataType::Int16 => ints!(Int16Type),
        DataType::Int32 => ints!(Int32Type),
        DataType::Int64 => ints!(Int64Type),
        DataType::UInt32 => ints!(UInt32Type),
        DataType::Date32 => ints!(Date32Type),
        DataType::Time64(TimeUnit::Microsecond) => ints!(Time64MicrosecondType),
        DataType::Time64(TimeUnit::Nanosecond) => ints!(Time64NanosecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => ints!(TimestampMicrosecondType),
        DataType::Decimal64(..) => array
            .as_primitive::<Decimal64Type>()
            .iter()
            .map(|v| v.map_or(0, |v| decimal(v.into())))
            .collect(),
        DataType::Decimal128(..) => array
            .as_primitive::<Decimal128Type>()
            .iter()
            .map(|v| v.map_or(0, decimal))
            .collect(),
        DataType::Float32 => array
            .as_primitive::<Float32Type>()
            .iter()
            .map(|v| v.map_or(0, |v| pick(mix((v as f64 + 0.0).to_bits()))))
            .collect(),
        DataType::Float64 => array
            .as_primitive::<Float64Type>()
            .iter()
            .map(|v| v.map_or(0, |v| pick(mix((v + 0.0).to_bits()))))
            .collect(),
        DataType::Utf8View => array
            .as_string_view()
            .iter()
            .map(|v| v.map_or(0, |v| pick(bytes_hash(v.trim_end_matches(' ').as_bytes()))))
            .collect(),
        _ => vec![0; array.len()],
    }
}

/// The finalizer of splitmix64.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// FNV-1a, mixed.
fn bytes_hash(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
        (h ^ *b as u64).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int16Array, Int64Array};

    #[test]
    fn width_does_not_matter_and_the_function_is_fixed() {
        let small = assign(&Int16Array::from(vec![0, 1, 2, 3, -1]), 2);
        let large = assign(&Int64Array::from(vec![0, 1, 2, 3, -1]), 2);
        assert_eq!(small, large);
        // Files on disk depend on these: they may never change.
        assert_eq!(mix(1), 0x910A_2DEC_8902_5CC1);
    }
}
