//! The keys a hash join has built, as a set of bits: where they are whole numbers that lie close
//! together, as keys do, asking it is many times cheaper than asking the join's hash table.
//!
//! Where to start: [`collect_keys`], which has sets made; [`BuiltKeys`], where scans find them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{NullEquality, Result as DfResult, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::StreamExt;
use parking_lot::Mutex;

/// Most bits of a set: 8 MiB.
const MOST_BITS: i128 = 1 << 26;

/// A set of whole numbers.
#[derive(Debug, Default)]
pub(super) struct Bits {
    /// What the first bit stands for.
    low: i64,
    words: Vec<u64>,
}

impl Bits {
    /// Makes room for `low..=high`. False if that is too much.
    fn reach(&mut self, low: i64, high: i64) -> bool {
        let bits = self.words.len() as i128 * 64;
        let (first, last) = match bits {
            0 => (low, high),
            _ => (
                low.min(self.low),
                high.max((self.low as i128 + bits - 1) as i64),
            ),
        };
        let need = last as i128 - first as i128 + 1;
        if need > MOST_BITS {
            return false;
        }
        if bits == 0 {
            self.low = first;
        } else if first < self.low {
            // Room for as much again, so that falling keys do not move everything each time.
            let words = ((self.low as i128 - first as i128 + 63) / 64) as usize;
            let spare = self.words.len().min(((MOST_BITS - need) / 64) as usize);
            let Some(low) = self.low.checked_sub((words + spare) as i64 * 64) else {
                return false;
            };
            self.words
                .splice(0..0, std::iter::repeat_n(0, words + spare));
            self.low = low;
        }
        let words = (last as i128 - self.low as i128) / 64 + 1;
        if words > self.words.len() as i128 {
            self.words.resize(words as usize, 0);
        }
        true
    }

    fn insert(&mut self, value: i64) {
        let bit = value.wrapping_sub(self.low) as u64;
        if let Some(word) = self.words.get_mut((bit / 64) as usize) {
            *word |= 1 << (bit % 64);
        }
    }

    fn has(&self, value: i64) -> bool {
        let bit = value.wrapping_sub(self.low) as u64;
        let word = self.words.get((bit / 64) as usize).copied().unwrap_or(0);
        word >> (bit % 64) & 1 != 0
    }

    /// Adds the values of a column. False if they do not fit.
    fn extend(&mut self, values: &ArrayRef) -> bool {
        let present = match numbers(values) {
            Some(numbers) => numbers,
            None => return false,
        };
        let nulls = values.nulls().filter(|n| n.null_count() > 0);
        let valid = |i: &usize| nulls.is_none_or(|n| n.is_valid(*i));
        let range = (0..present.len()).filter(valid).fold(None, |range, i| {
            let v = present.get(i);
            range.map_or(Some((v, v)), |(a, b): (i64, i64)| {
                Some((a.min(v), b.max(v)))
            })
        });
        let Some((low, high)) = range else {
            return true;
        };
        if !self.reach(low, high) {
            return false;
        }
        for i in (0..present.len()).filter(valid) {
            self.insert(present.get(i));
        }
        true
    }
}

/// A column of whole numbers.
enum Numbers<'a> {
    Short(&'a [i32]),
    Long(&'a [i64]),
}

impl Numbers<'_> {
    fn len(&self) -> usize {
        match self {
            Numbers::Short(v) => v.len(),
            Numbers::Long(v) => v.len(),
        }
    }

    fn get(&self, i: usize) -> i64 {
        match self {
            Numbers::Short(v) => i64::from(v[i]),
            Numbers::Long(v) => v[i],
        }
    }
}

fn numbers(array: &ArrayRef) -> Option<Numbers<'_>> {
    Some(match array.data_type() {
        DataType::Int32 => Numbers::Short(array.as_primitive::<Int32Type>().values()),
        DataType::Int64 => Numbers::Long(array.as_primitive::<Int64Type>().values()),
        _ => return None,
    })
}

/// The keys one join has built.
#[derive(Debug, Default)]
pub(super) struct KeySet(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// No row has been seen yet.
    #[default]
    Fresh,
    Filling(Bits),
    Complete(Arc<Bits>),
    /// The keys lie too far apart.
    Useless,
}

impl KeySet {
    fn add(&self, values: &ArrayRef) {
        let mut state = self.0.lock();
        if matches!(*state, State::Fresh) {
            *state = State::Filling(Bits::default());
        }
        let fits = match &mut *state {
            State::Filling(bits) => bits.extend(values),
            // Rows after the end: the set is of another execution.
            _ => false,
        };
        if !fits {
            *state = State::Useless;
        }
    }

    fn complete(&self) {
        let mut state = self.0.lock();
        *state = match std::mem::take(&mut *state) {
            State::Filling(bits) => State::Complete(Arc::new(bits)),
            State::Fresh => State::Complete(Arc::default()),
            _ => State::Useless,
        };
    }

    /// Which of the values are keys, NULL being none; `None` if that is not known.
    pub(super) fn contains(&self, values: &ArrayRef) -> Option<BooleanBuffer> {
        let bits = match &*self.0.lock() {
            State::Complete(bits) => bits.clone(),
            _ => return None,
        };
        let found = match numbers(values)? {
            Numbers::Short(v) => {
                BooleanBuffer::collect_bool(v.len(), |i| bits.has(i64::from(v[i])))
            }
            Numbers::Long(v) => BooleanBuffer::collect_bool(v.len(), |i| bits.has(v[i])),
        };
        Some(match values.nulls() {
            Some(nulls) => &found & nulls.inner(),
            None => found,
        })
    }
}

/// The sets of a statement's joins, by the identity of their filter.
#[derive(Debug, Default)]
pub(crate) struct BuiltKeys(Mutex<HashMap<u64, Arc<KeySet>>>);

impl BuiltKeys {
    pub(super) fn of(&self, filter: &dyn PhysicalExpr) -> Option<Arc<KeySet>> {
        self.0.lock().get(&filter.expression_id()?).cloned()
    }
}

/// The plan with the keys of hash joins collected whose filter a scan may ask.
pub(crate) fn collect_keys(
    plan: Arc<dyn ExecutionPlan>,
    built: &BuiltKeys,
) -> DfResult<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let Some((id, key)) = node.downcast_ref::<HashJoinExec>().and_then(filter_of) else {
            return Ok(Transformed::no(node));
        };
        let [left, right] = node.children()[..] else {
            return Ok(Transformed::no(node));
        };
        let (left, right) = (left.clone(), right.clone());
        let set = Arc::new(KeySet::default());
        built.0.lock().insert(id, set.clone());
        let left = Arc::new(KeysExec {
            properties: left.properties().clone(),
            input: left,
            key,
            set: Some(set),
        });
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        node.replace_children(vec![left, right], options)
            .map(Transformed::yes)
    })
    .map(|t| t.data)
}

/// The identity of a join's filter and the key it builds, if a set of that is of use.
fn filter_of(join: &HashJoinExec) -> Option<(u64, Arc<dyn PhysicalExpr>)> {
    let [(key, _)] = join.on() else {
        return None;
    };
    let whole = matches!(
        key.data_type(&join.left().schema()),
        Ok(DataType::Int32 | DataType::Int64)
    );
    if !whole
        || *join.partition_mode() != PartitionMode::CollectLeft
        || join.null_equality() != NullEquality::NullEqualsNothing
        || join.null_aware
    {
        return None;
    }
    let produced = join.dynamic_expressions_produced();
    let id = produced.first()?.expression_id()?;
    Some((id, key.clone()))
}

/// Passes a join's build side on and notes its keys.
#[derive(Debug)]
struct KeysExec {
    input: Arc<dyn ExecutionPlan>,
    key: Arc<dyn PhysicalExpr>,
    /// Missing where the plan runs several times over (a recursive query).
    set: Option<Arc<KeySet>>,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for KeysExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "KeysExec: {}", self.key)
    }
}

impl KeysExec {
    fn over(&self, input: Arc<dyn ExecutionPlan>, set: Option<Arc<KeySet>>) -> Arc<Self> {
        Arc::new(KeysExec {
            properties: input.properties().clone(),
            input,
            key: self.key.clone(),
            set,
        })
    }
}

impl ExecutionPlan for KeysExec {
    fn name(&self) -> &str {
        "KeysExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        f(&self.key)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(self.over(input, self.set.clone())),
            None => internal_err!("KeysExec has one input"),
        }
    }

    fn reset_state(self: Arc<Self>) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self.over(self.input.clone(), None))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let Some(set) = self.set.clone() else {
            return Ok(input);
        };
        let schema = input.schema();
        let key = self.key.clone();
        let end = set.clone();
        let noted = input.inspect(move |batch| {
            if let Ok(batch) = batch {
                note(&set, &key, batch);
            }
        });
        // Only the end of the input completes the set: an input that is left early does not.
        let ended = futures::stream::poll_fn(move |_| {
            end.complete();
            std::task::Poll::Ready(None)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            noted.chain(ended),
        )))
    }
}

fn note(set: &KeySet, key: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) {
    match key
        .evaluate(batch)
        .and_then(|v| v.into_array(batch.num_rows()))
    {
        Ok(values) => set.add(&values),
        // The join will meet the same error.
        Err(_) => *set.0.lock() = State::Useless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, Int64Array};

    fn set(batches: Vec<Vec<Option<i64>>>) -> KeySet {
        let set = KeySet::default();
        for batch in batches {
            set.add(&(Arc::new(Int64Array::from(batch)) as ArrayRef));
        }
        set.complete();
        set
    }

    fn found(set: &KeySet, values: Vec<Option<i64>>) -> Option<Vec<bool>> {
        let values: ArrayRef = Arc::new(Int64Array::from(values));
        set.contains(&values).map(|b| b.iter().collect())
    }

    #[test]
    fn keys_that_rise_and_fall_are_found() {
        let set = set(vec![
            vec![Some(1000), None, Some(1003)],
            vec![Some(5), Some(70_000)],
            vec![Some(-900)],
        ]);
        assert_eq!(
            found(
                &set,
                vec![
                    Some(1000),
                    Some(1001),
                    Some(1003),
                    Some(5),
                    Some(4),
                    Some(70_000),
                    Some(70_001),
                    Some(-900),
                    Some(-901),
                    None,
                    Some(i64::MIN),
                    Some(i64::MAX),
                ]
            ),
            Some(vec![
                true, false, true, true, false, true, false, true, false, false, false, false
            ])
        );
        let short: ArrayRef = Arc::new(Int32Array::from(vec![5, 6, -900]));
        let found: Option<Vec<bool>> = set.contains(&short).map(|b| b.iter().collect());
        assert_eq!(found, Some(vec![true, false, true]));
    }

    #[test]
    fn falling_keys_are_found() {
        let keys: Vec<i64> = (0..3000).map(|i| 1_000_000 - i * 200).collect();
        let set = set(keys.iter().map(|k| vec![Some(*k)]).collect());
        let all = found(&set, keys.iter().map(|k| Some(*k)).collect());
        assert!(all.is_some_and(|all| all.iter().all(|found| *found)));
        assert_eq!(found(&set, vec![Some(999_999)]), Some(vec![false]));
    }

    #[test]
    fn keys_far_apart_make_no_set() {
        let far = set(vec![vec![Some(i64::MIN), Some(i64::MAX)]]);
        assert_eq!(found(&far, vec![Some(1)]), None);
        let later = set(vec![vec![Some(1)], vec![Some(1 << 40)]]);
        assert_eq!(found(&later, vec![Some(1)]), None);
        let edge = set(vec![vec![Some(i64::MIN)], vec![Some(i64::MIN + 3)]]);
        assert_eq!(
            found(&edge, vec![Some(i64::MIN + 3), Some(7)]),
            Some(vec![true, false])
        );
    }

    #[test]
    fn a_set_is_known_only_when_complete() {
        let set = KeySet::default();
        set.add(&(Arc::new(Int64Array::from(vec![1])) as ArrayRef));
        assert_eq!(found(&set, vec![Some(1)]), None);
        let empty = self::set(vec![]);
        assert_eq!(found(&empty, vec![Some(1)]), Some(vec![false]));
        // Rows of another execution.
        empty.add(&(Arc::new(Int64Array::from(vec![2])) as ArrayRef));
        assert_eq!(found(&empty, vec![Some(2)]), None);
    }
}
