//! The order of rows in a segment: by a compound key, or along a Z-order curve.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, UInt32Array};
use arrow::compute::{self, SortOptions};
use arrow::datatypes::*;
use arrow::row::{RowConverter, SortField};
use lw_base::Result;
use lw_catalog::{Column, SortKey};

use crate::failed;

/// Redshift sorts NULL after every value.
const ASCENDING: SortOptions = SortOptions {
    descending: false,
    nulls_first: false,
};

/// A sort key resolved to positions of columns.
#[derive(Debug, Clone, PartialEq)]
pub enum RowOrder {
    /// No order.
    None,
    /// By these columns, the first the most significant.
    Compound(Vec<usize>),
    /// By these columns with equal weight.
    Interleaved(Vec<usize>),
}

impl RowOrder {
    /// The order a table's sort key asks for.
    pub fn of(sort: &SortKey, columns: &[Column]) -> RowOrder {
        let positions = |ids: &[u32]| -> Vec<usize> {
            ids.iter()
                .filter_map(|id| columns.iter().position(|c| c.id == *id))
                .collect()
        };
        match sort {
            SortKey::Auto | SortKey::None => RowOrder::None,
            SortKey::Compound(ids) => match positions(ids) {
                p if p.is_empty() => RowOrder::None,
                p => RowOrder::Compound(p),
            },
            SortKey::Interleaved(ids) => match positions(ids) {
                p if p.is_empty() => RowOrder::None,
                p => RowOrder::Interleaved(p),
            },
        }
    }

    /// Positions of the key's columns.
    pub(crate) fn keys(&self) -> &[usize] {
        match self {
            RowOrder::None => &[],
            RowOrder::Compound(keys) | RowOrder::Interleaved(keys) => keys,
        }
    }

    /// True if rows have an order.
    pub fn is_some(&self) -> bool {
        *self != RowOrder::None
    }
}

/// The permutation that puts rows in order: by their slices (if there are several), then by the key
/// columns `keys` (those of `order`, in its order). `None` if they are in order already.
pub(crate) fn permutation(
    rows: usize,
    slices: Option<&[u16]>,
    order: &RowOrder,
    keys: &[ArrayRef],
) -> Result<Option<Vec<u32>>> {
    let slices = slices.filter(|s| s.windows(2).any(|w| w[0] != w[1]));
    match order {
        RowOrder::Interleaved(_) => interleaved(slices, keys).map(Some),
        RowOrder::None if slices.is_none() => Ok(None),
        _ => {
            let codes: Option<Vec<Codes>> = keys.iter().map(Codes::of).collect();
            let highest = slices.and_then(|s| s.iter().max()).copied();
            let row_bits = bits(rows as u64);
            match codes {
                Some(codes) => match width(&codes) + bits(highest.unwrap_or(0).into()) + row_bits {
                    0..=64 => Ok(packed::<u64>(rows, slices, &codes, row_bits)),
                    65..=128 => Ok(packed::<u128>(rows, slices, &codes, row_bits)),
                    _ => compared(rows, slices, keys),
                },
                None => compared(rows, slices, keys),
            }
        }
    }
}

/// Values of a key as numbers of a few bits that sort like them.
struct Codes {
    values: Vec<u64>,
    bits: u32,
}

impl Codes {
    /// `None` if the values have no such numbers.
    fn of(key: &ArrayRef) -> Option<Codes> {
        match key.data_type() {
            DataType::Int16 => Self::numbers(key.as_primitive::<Int16Type>(), i128::from),
            DataType::Int32 => Self::numbers(key.as_primitive::<Int32Type>(), i128::from),
            DataType::Int64 => Self::numbers(key.as_primitive::<Int64Type>(), i128::from),
            DataType::UInt32 => Self::numbers(key.as_primitive::<UInt32Type>(), i128::from),
            DataType::Decimal64(..) => {
                Self::numbers(key.as_primitive::<Decimal64Type>(), i128::from)
            }
            DataType::Decimal128(..) => Self::numbers(key.as_primitive::<Decimal128Type>(), |v| v),
            _ => None,
        }
    }

    fn numbers<T: ArrowPrimitiveType>(
        key: &PrimitiveArray<T>,
        wide: impl Fn(T::Native) -> i128,
    ) -> Option<Codes> {
        let valid = key.iter().flatten().map(&wide);
        let (least, most) = valid.fold((i128::MAX, i128::MIN), |(a, b), v| (a.min(v), b.max(v)));
        // NULL sorts behind every value.
        let null = match least > most {
            true => 0,
            false => u64::try_from(most.checked_sub(least)?)
                .ok()?
                .checked_add(1)?,
        };
        let code = |v: T::Native| (wide(v) - least) as u64;
        let values = match key.null_count() {
            0 => key.values().iter().map(|v| code(*v)).collect(),
            _ => key.iter().map(|v| v.map_or(null, code)).collect(),
        };
        Some(Codes {
            values,
            bits: bits(null),
        })
    }
}

/// Bits that hold numbers up to `most`.
fn bits(most: u64) -> u32 {
    u64::BITS - most.leading_zeros()
}

fn width(codes: &[Codes]) -> u32 {
    codes.iter().map(|c| c.bits).sum()
}

/// What rows are packed into: slice, codes and the row's number, from the highest bits down.
trait Packed: Copy + Ord + From<u32> {
    fn push(self, value: u64, bits: u32) -> Self;
    fn row(self, bits: u32) -> u32;
}

impl Packed for u64 {
    fn push(self, value: u64, bits: u32) -> u64 {
        // All that was pushed before is zero if this fills the word.
        self.checked_shl(bits).unwrap_or(0) | value
    }

    fn row(self, bits: u32) -> u32 {
        (self & ((1 << bits) - 1)) as u32
    }
}

impl Packed for u128 {
    fn push(self, value: u64, bits: u32) -> u128 {
        self << bits | u128::from(value)
    }

    fn row(self, bits: u32) -> u32 {
        (self & ((1 << bits) - 1)) as u32
    }
}

fn packed<P: Packed>(
    rows: usize,
    slices: Option<&[u16]>,
    codes: &[Codes],
    row_bits: u32,
) -> Option<Vec<u32>> {
    let mut packed: Vec<P> = match slices {
        Some(slices) => slices.iter().map(|s| P::from(u32::from(*s))).collect(),
        None => vec![P::from(0); rows],
    };
    for codes in codes {
        for (to, value) in packed.iter_mut().zip(&codes.values) {
            *to = to.push(*value, codes.bits);
        }
    }
    for (row, to) in packed.iter_mut().enumerate() {
        *to = to.push(row as u64, row_bits);
    }
    // The rows' numbers ascend, so that this is order by the rest alone.
    if packed.is_sorted() {
        return None;
    }
    packed.sort_unstable();
    Some(packed.into_iter().map(|p| p.row(row_bits)).collect())
}

/// For keys of any type: by comparing rows.
fn compared(rows: usize, slices: Option<&[u16]>, keys: &[ArrayRef]) -> Result<Option<Vec<u32>>> {
    let err = |e| failed("rows do not sort", e);
    let fields = keys
        .iter()
        .map(|k| SortField::new_with_options(k.data_type().clone(), ASCENDING))
        .collect();
    let converter = RowConverter::new(fields).map_err(err)?;
    let keys = converter.convert_columns(keys).map_err(err)?;
    let slice = |row: u32| slices.map_or(0, |s| s[row as usize]);
    let compare = |a: &u32, b: &u32| {
        slice(*a)
            .cmp(&slice(*b))
            .then_with(|| keys.row(*a as usize).cmp(&keys.row(*b as usize)))
    };
    let mut indices: Vec<u32> = (0..rows as u32).collect();
    if indices.is_sorted_by(|a, b| compare(a, b).is_le()) {
        return Ok(None);
    }
    indices.sort_unstable_by(|a, b| compare(a, b).then(a.cmp(b)));
    Ok(Some(indices))
}

/// Z-order: each key's values are replaced by their rank among the rows (16 bits, so that a skewed
/// key keeps its weight), the bits of the ranks are interleaved.
fn interleaved(slices: Option<&[u16]>, keys: &[ArrayRef]) -> Result<Vec<u32>> {
    let rows = keys.first().map_or(0, |k| k.len());
    // Eight columns at most (Developer Guide, CREATE TABLE): 128 bits hold their ranks.
    let keys = &keys[..keys.len().min(8)];
    let mut codes = vec![0u128; rows];
    for (position, key) in keys.iter().enumerate() {
        for (row, rank) in ranks(key)?.into_iter().enumerate() {
            codes[row] |= spread(rank, position, keys.len());
        }
    }
    let mut indices: Vec<u32> = (0..rows as u32).collect();
    indices.sort_by_key(|i| (slices.map_or(0, |s| s[*i as usize]), codes[*i as usize]));
    Ok(indices)
}

/// The rank of each value, scaled to 16 bits; equal values share a rank.
fn ranks(key: &ArrayRef) -> Result<Vec<u16>> {
    let err = |e| failed("rows do not sort", e);
    let sorted: UInt32Array = compute::sort_to_indices(key, Some(ASCENDING), None).map_err(err)?;
    let ordered = compute::take(key, &sorted, None).map_err(err)?;
    let mut ranks = vec![0u16; key.len()];
    for range in compute::partition(&[ordered]).map_err(err)?.ranges() {
        let rank = (range.start as u64 * 65_536 / key.len() as u64) as u16;
        for i in range {
            ranks[sorted.value(i) as usize] = rank;
        }
    }
    Ok(ranks)
}

/// A Z-order curve through a whole table: positions of values among a sample of them.
#[derive(Debug)]
pub struct ZCurve {
    keys: Vec<Quantiles>,
}

#[derive(Debug)]
struct Quantiles {
    converter: RowConverter,
    sorted: Vec<Box<[u8]>>,
}

impl ZCurve {
    /// The curve by these key columns, of which some rows are given.
    pub fn new(samples: &[ArrayRef]) -> Result<ZCurve> {
        let err = |e| failed("rows do not sort", e);
        let keys = samples
            .iter()
            .take(8)
            .map(|sample| {
                let field = SortField::new_with_options(sample.data_type().clone(), ASCENDING);
                let converter = RowConverter::new(vec![field]).map_err(err)?;
                let rows = converter
                    .convert_columns(std::slice::from_ref(sample))
                    .map_err(err)?;
                let mut sorted: Vec<Box<[u8]>> = rows.iter().map(|r| r.as_ref().into()).collect();
                sorted.sort_unstable();
                Ok(Quantiles { converter, sorted })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(ZCurve { keys })
    }

    /// The place of each row on the curve.
    pub fn places(&self, keys: &[ArrayRef]) -> Result<Vec<u128>> {
        let rows = keys.first().map_or(0, |k| k.len());
        let mut codes = vec![0u128; rows];
        for (position, (key, quantiles)) in keys.iter().zip(&self.keys).enumerate() {
            let values = quantiles
                .converter
                .convert_columns(std::slice::from_ref(key))
                .map_err(|e| failed("rows do not sort", e))?;
            let total = quantiles.sorted.len().max(1);
            for (code, value) in codes.iter_mut().zip(values.iter()) {
                let below = quantiles
                    .sorted
                    .partition_point(|q| q.as_ref() < value.as_ref());
                let rank = (below * 65_536 / total).min(65_535) as u16;
                *code |= spread(rank, position, self.keys.len());
            }
        }
        Ok(codes)
    }
}

/// The bits of a rank, at the places of key `position` out of `keys`.
fn spread(rank: u16, position: usize, keys: usize) -> u128 {
    (0..16).fold(0u128, |code, bit| {
        let set = (rank >> bit) & 1;
        code | (set as u128) << (bit * keys + (keys - 1 - position))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal128Array, Int32Array, Int64Array, StringViewArray};
    use std::sync::Arc;

    fn ints(values: impl IntoIterator<Item = Option<i32>>) -> ArrayRef {
        Arc::new(values.into_iter().collect::<Int32Array>())
    }

    fn compound(slices: Option<&[u16]>, keys: &[ArrayRef]) -> Option<Vec<u32>> {
        let order = RowOrder::Compound((0..keys.len()).collect());
        permutation(keys[0].len(), slices, &order, keys).unwrap()
    }

    #[test]
    fn compound_sorts_by_slice_and_keys_and_nulls_last() {
        let a = ints([None, Some(2), Some(2), Some(-1)]);
        let b = ints([Some(1), Some(2), Some(1), Some(9)]);
        let keys = [a, b];
        assert_eq!(compound(None, &keys), Some(vec![3, 2, 1, 0]));
        assert_eq!(compound(Some(&[0, 1, 0, 1]), &keys), Some(vec![2, 0, 3, 1]));
        assert_eq!(compound(Some(&[1, 0, 0, 0]), &keys), Some(vec![3, 2, 1, 0]));
        // In order already; equal keys stay as they are.
        assert_eq!(compound(None, &[ints([Some(1), Some(1), None])]), None);
        assert_eq!(
            compound(Some(&[0, 0, 1]), &[ints([Some(5), Some(6), Some(1)])]),
            None
        );
    }

    #[test]
    fn every_way_of_sorting_gives_the_same_order() {
        let numbers: Vec<i64> = (0..1_000).map(|i| (i * 7_919) % 257 - 100).collect();
        let texts: StringViewArray = numbers
            .iter()
            .map(|v| Some(format!("{:05}", v + 500)))
            .collect();
        let far: Decimal128Array = numbers.iter().map(|v| Some(i128::from(*v) << 40)).collect();
        let huge: Decimal128Array = numbers.iter().map(|v| Some(i128::from(*v) << 80)).collect();
        let slices: Vec<u16> = (0..1_000).map(|i| (i % 3) as u16).collect();
        let mut expected: Vec<u32> = (0..1_000).collect();
        expected.sort_by_key(|i| (slices[*i as usize], numbers[*i as usize]));
        let keys: [ArrayRef; 4] = [
            Arc::new(Int64Array::from(numbers)),
            Arc::new(far),
            Arc::new(huge),
            Arc::new(texts),
        ];
        for key in keys {
            assert_eq!(compound(Some(&slices), &[key]), Some(expected.clone()));
        }
    }

    #[test]
    fn slices_alone_are_an_order() {
        let by_slice = |s: &[u16]| permutation(s.len(), Some(s), &RowOrder::None, &[]).unwrap();
        assert_eq!(by_slice(&[1, 0, 1, 0]), Some(vec![1, 3, 0, 2]));
        assert_eq!(by_slice(&[0, 0, 1]), None);
        assert_eq!(permutation(3, None, &RowOrder::None, &[]).unwrap(), None);
    }

    #[test]
    fn interleaved_keeps_both_columns_local() {
        // A 16 x 16 grid: along the curve, each run of 64 rows must be an 8 x 8 square.
        let grid: Vec<(i32, i32)> = (0..16).flat_map(|a| (0..16).map(move |b| (a, b))).collect();
        let a = ints(grid.iter().map(|g| Some(g.0)));
        let b = ints(grid.iter().map(|g| Some(g.1)));
        let order = RowOrder::Interleaved(vec![0, 1]);
        let rows = permutation(256, None, &order, &[a, b]).unwrap().unwrap();
        for part in rows.chunks(64) {
            let span =
                |values: Vec<i32>| values.iter().max().unwrap() - values.iter().min().unwrap();
            assert_eq!(span(part.iter().map(|i| grid[*i as usize].0).collect()), 7);
            assert_eq!(span(part.iter().map(|i| grid[*i as usize].1).collect()), 7);
        }
    }
}
