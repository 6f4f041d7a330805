//! The sorted and the unsorted region of a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use lw_base::{SegmentId, SliceId};
use lw_catalog::{Bound, Place, Relation, Segment, SortKey, TableData};

use crate::bounds::compare;

/// Segments by region.
#[derive(Debug, Clone, Default)]
pub struct Regions {
    /// Files that follow one another in the order of the sort key, slice by slice.
    pub sorted: Vec<Arc<Segment>>,
    /// All others: inline batches, and files whose keys lie among those of other files.
    pub unsorted: Vec<Arc<Segment>>,
}

impl Regions {
    /// Live rows of the unsorted region.
    pub fn unsorted_rows(&self) -> u64 {
        self.unsorted.iter().map(|s| s.live_rows()).sum()
    }

    /// The segments a sort must rewrite: the unsorted ones, and the sorted ones among whose keys
    /// theirs lie.
    pub fn to_sort(&self, relation: &Relation) -> Vec<Arc<Segment>> {
        let key = leading_key(relation);
        let mut out = self.unsorted.clone();
        for segment in &self.sorted {
            let touched = match key {
                Some(key) => self
                    .unsorted
                    .iter()
                    .any(|u| u.slice == segment.slice && overlap(u, segment, key)),
                None => false,
            };
            if touched {
                out.push(segment.clone());
            }
        }
        out
    }
}

/// The regions of a table. Without a sort key everything is sorted. Along an interleaved key order
/// is not seen from bounds: its files count as sorted.
pub fn of(relation: &Relation, data: &TableData) -> Regions {
    let mut regions = Regions::default();
    let sort = relation.table().map(|t| &t.sort);
    let Some(key) = leading_key(relation) else {
        let interleaved = matches!(sort, Some(SortKey::Interleaved(_)));
        for segment in data.segments.values() {
            if interleaved && (is_inline(segment) || !segment.sorted) {
                regions.unsorted.push(segment.clone());
            } else {
                regions.sorted.push(segment.clone());
            }
        }
        return regions;
    };
    let mut slices: BTreeMap<SliceId, Vec<&Arc<Segment>>> = BTreeMap::new();
    for segment in data.segments.values() {
        slices.entry(segment.slice).or_default().push(segment);
    }
    for segments in slices.into_values() {
        let chain = chain(&segments, key);
        for segment in segments {
            if chain.contains(&segment.id) {
                regions.sorted.push(segment.clone());
            } else {
                regions.unsorted.push(segment.clone());
            }
        }
    }
    regions
}

/// The most files of a slice that follow one another: taken by their ends.
fn chain(segments: &[&Arc<Segment>], key: u32) -> Vec<SegmentId> {
    let mut files: Vec<(&Bound, &Bound, SegmentId)> = segments
        .iter()
        .filter(|s| s.sorted && !is_inline(s))
        .filter_map(|s| {
            let bounds = s.columns.get(&key)?;
            Some((bounds.min.as_ref()?, bounds.max.as_ref()?, s.id))
        })
        .collect();
    files.sort_by(|a, b| {
        compare(a.1, b.1)
            .unwrap_or(std::cmp::Ordering::Equal)
            .then(a.2.cmp(&b.2))
    });
    let mut out = Vec::new();
    let mut end: Option<&Bound> = None;
    for (min, max, id) in files {
        let follows = match end {
            None => true,
            Some(end) => compare(min, end).is_some_and(|o| o.is_ge()),
        };
        if follows {
            out.push(id);
            end = Some(max);
        }
    }
    out
}

/// True if keys of `a` may lie between keys of `b`. What is not known overlaps everything.
fn overlap(a: &Segment, b: &Segment, key: u32) -> bool {
    let bounds = |s: &Segment| {
        let b = s.columns.get(&key)?;
        // NULL sorts last: with nulls there is no upper bound.
        if b.nulls != Some(0) {
            return None;
        }
        Some((b.min.clone()?, b.max.clone()?))
    };
    let (Some(a), Some(b)) = (bounds(a), bounds(b)) else {
        return true;
    };
    let before = |x: &Bound, y: &Bound| compare(x, y).is_some_and(|o| o.is_le());
    !(before(&a.1, &b.0) || before(&b.1, &a.0))
}

fn is_inline(segment: &Segment) -> bool {
    matches!(segment.place, Place::Inline(_))
}

/// The first column of a compound sort key.
fn leading_key(relation: &Relation) -> Option<u32> {
    match &relation.table()?.sort {
        SortKey::Compound(ids) => ids.first().copied(),
        _ => None,
    }
}
