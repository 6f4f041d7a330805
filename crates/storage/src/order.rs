//! The order of rows in a segment: by a compound key, or along a Z-order curve.

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{self, SortOptions};
use arrow::record_batch::RecordBatch;
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

    /// True if rows have an order.
    pub fn is_some(&self) -> bool {
        *self != RowOrder::None
    }
}

/// The permutation that sorts `batches` (taken as one run of rows), or `None` if they are in order
/// already.
fn permutation(batches: &[RecordBatch], order: &RowOrder) -> Result<Option<Vec<u32>>> {
    let column = |i: usize| -> Result<ArrayRef> {
        let parts: Vec<&dyn Array> = batches.iter().map(|b| b.column(i).as_ref()).collect();
        compute::concat(&parts).map_err(|e| failed("rows do not sort", e))
    };
    match order {
        RowOrder::None => Ok(None),
        RowOrder::Compound(keys) => {
            let keys = keys
                .iter()
                .map(|i| column(*i))
                .collect::<Result<Vec<_>>>()?;
            compound(&keys)
        }
        RowOrder::Interleaved(keys) => {
            let keys = keys
                .iter()
                .map(|i| column(*i))
                .collect::<Result<Vec<_>>>()?;
            interleaved(&keys).map(Some)
        }
    }
}

fn compound(keys: &[ArrayRef]) -> Result<Option<Vec<u32>>> {
    let err = |e| failed("rows do not sort", e);
    if let [key] = keys {
        let indices: UInt32Array =
            compute::sort_to_indices(key, Some(ASCENDING), None).map_err(err)?;
        let in_order = indices
            .values()
            .iter()
            .enumerate()
            .all(|(i, v)| i as u32 == *v);
        return Ok((!in_order).then(|| indices.values().to_vec()));
    }
    let fields = keys
        .iter()
        .map(|k| SortField::new_with_options(k.data_type().clone(), ASCENDING))
        .collect();
    let converter = RowConverter::new(fields).map_err(err)?;
    let rows = converter.convert_columns(keys).map_err(err)?;
    if (1..rows.num_rows()).all(|i| rows.row(i - 1) <= rows.row(i)) {
        return Ok(None);
    }
    let mut indices: Vec<u32> = (0..rows.num_rows() as u32).collect();
    indices.sort_unstable_by(|a, b| {
        rows.row(*a as usize)
            .cmp(&rows.row(*b as usize))
            .then(a.cmp(b))
    });
    Ok(Some(indices))
}

/// Z-order: each key's values are replaced by their rank among the rows (16 bits, so that a skewed
/// key keeps its weight), the bits of the ranks are interleaved.
fn interleaved(keys: &[ArrayRef]) -> Result<Vec<u32>> {
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
    indices.sort_by_key(|i| codes[*i as usize]);
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

/// Sorts a run of rows. Gives batches of at most `batch_rows` rows.
pub fn sort(
    batches: Vec<RecordBatch>,
    order: &RowOrder,
    batch_rows: usize,
) -> Result<Vec<RecordBatch>> {
    let Some(permutation) = permutation(&batches, order)? else {
        return Ok(batches);
    };
    let mut homes = Vec::with_capacity(permutation.len());
    for (b, batch) in batches.iter().enumerate() {
        homes.extend((0..batch.num_rows()).map(|r| (b, r)));
    }
    let refs: Vec<&RecordBatch> = batches.iter().collect();
    permutation
        .chunks(batch_rows)
        .map(|chunk| {
            let places: Vec<(usize, usize)> = chunk.iter().map(|i| homes[*i as usize]).collect();
            compute::interleave_record_batch(&refs, &places)
                .map_err(|e| failed("rows do not sort", e))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, Int32Array};
    use arrow::datatypes::Int32Type;
    use std::sync::Arc;

    fn batch(a: Vec<Option<i32>>, b: Vec<i32>) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable([
            ("a", Arc::new(Int32Array::from(a)) as ArrayRef, true),
            ("b", Arc::new(Int32Array::from(b)) as ArrayRef, true),
        ])
        .unwrap()
    }

    #[test]
    fn compound_sorts_nulls_last_across_batches() {
        let out = sort(
            vec![
                batch(vec![None, Some(2)], vec![1, 2]),
                batch(vec![Some(2), Some(1)], vec![1, 9]),
            ],
            &RowOrder::Compound(vec![0, 1]),
            3,
        )
        .unwrap();
        let a: Vec<_> = out
            .iter()
            .flat_map(|b| {
                b.column(0)
                    .as_primitive::<Int32Type>()
                    .iter()
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(a, vec![Some(1), Some(2), Some(2), None]);
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn interleaved_keeps_both_columns_local() {
        // A 16 x 16 grid: along the curve, each run of 64 rows must be an 8 x 8 square.
        let grid: Vec<(i32, i32)> = (0..16).flat_map(|a| (0..16).map(move |b| (a, b))).collect();
        let input = batch(
            grid.iter().map(|g| Some(g.0)).collect(),
            grid.iter().map(|g| g.1).collect(),
        );
        let out = sort(vec![input], &RowOrder::Interleaved(vec![0, 1]), 64).unwrap();
        for part in out {
            for column in part.columns() {
                let values = column.as_primitive::<Int32Type>();
                let span = compute::max(values).unwrap() - compute::min(values).unwrap();
                assert_eq!(span, 7);
            }
        }
    }
}
