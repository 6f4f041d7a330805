//! The order of inner joins, by the catalog's statistics: the cheapest tree over the tables that are
//! joined, found by dynamic programming (greedily for many tables). The side with fewer rows is built.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, JoinConstraint, JoinType, NullEquality};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Join, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::cardinality::{Estimate, estimate, selectivity, side_distinct};
use super::semi_join;

/// More tables than this are joined greedily.
const EXACT: usize = 9;

/// The rule. It acts once for a statement: an order once chosen stays.
#[derive(Debug, Default)]
pub(crate) struct JoinOrder {
    done: AtomicBool,
}

impl OptimizerRule for JoinOrder {
    fn name(&self) -> &str {
        "join_order"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        None
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        if self.done.swap(true, Ordering::Relaxed) {
            return Ok(Transformed::no(plan));
        }
        reorder(semi_join::push_down(plan)?).map(Transformed::yes)
    }
}

fn reorder(plan: LogicalPlan) -> Result<LogicalPlan> {
    use datafusion::common::tree_node::TreeNode;
    if !is_inner(&plan) {
        return plan
            .map_children(|child| reorder(child).map(Transformed::yes))
            .map(|t| t.data);
    }
    let schema = plan.schema().clone();
    let mut region = Region::default();
    region.add(plan.clone())?;
    if region.leaves.len() < 3 {
        return plan
            .map_children(|child| reorder(child).map(Transformed::yes))
            .map(|t| t.data);
    }
    region.leaves = region
        .leaves
        .into_iter()
        .map(reorder)
        .collect::<Result<_>>()?;
    let Some(joined) = region.join()? else {
        return Ok(plan);
    };
    // Columns go on in the order they had.
    let columns = schema.columns().into_iter().map(Expr::Column).collect();
    Projection::try_new(columns, Arc::new(joined)).map(LogicalPlan::Projection)
}

pub(super) fn is_inner(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Join(j)
        if j.join_type == JoinType::Inner && j.null_equality == NullEquality::NullEqualsNothing)
}

/// Tables (or other plans) and what joins them.
#[derive(Default)]
struct Region {
    leaves: Vec<LogicalPlan>,
    on: Vec<(Expr, Expr)>,
    filters: Vec<Expr>,
}

/// A set of leaves.
type Set = u32;

/// A condition with the leaves it needs.
struct Condition {
    set: Set,
    /// Both sides of an equality between different leaves.
    sides: Option<(Expr, Set, Expr, Set)>,
    expr: Option<Expr>,
    share: f64,
    /// Columns that are all equal: of the conditions that say so, a join needs one.
    class: Option<usize>,
}

#[derive(Clone)]
enum Tree {
    Leaf(usize),
    /// The side that is built comes first.
    Join(Box<(Tree, Set)>, Box<(Tree, Set)>),
}

#[derive(Clone)]
struct Best {
    cost: f64,
    tree: Tree,
}

impl Region {
    fn add(&mut self, plan: LogicalPlan) -> Result<()> {
        match plan {
            LogicalPlan::Join(join) if is_inner(&LogicalPlan::Join(join.clone())) => {
                self.add(Arc::unwrap_or_clone(join.left))?;
                self.add(Arc::unwrap_or_clone(join.right))?;
                self.on.extend(join.on);
                if let Some(filter) = join.filter {
                    self.filters.extend(split_conjunction_owned(filter));
                }
            }
            leaf => self.leaves.push(leaf),
        }
        Ok(())
    }

    fn join(self) -> Result<Option<LogicalPlan>> {
        let n = self.leaves.len();
        if n > 30 {
            return Ok(None);
        }
        let mut owner: HashMap<Column, usize> = HashMap::new();
        for (i, leaf) in self.leaves.iter().enumerate() {
            for column in leaf.schema().columns() {
                if owner.insert(column, i).is_some() {
                    // Two leaves with one name: nobody knows which is meant.
                    return Ok(None);
                }
            }
        }
        let estimates: Vec<Estimate> = self.leaves.iter().map(estimate).collect();
        let set_of = |expr: &Expr| -> Option<Set> {
            expr.column_refs()
                .into_iter()
                .try_fold(0, |set, c| owner.get(c).map(|i| set | (1 << i)))
        };
        let mut conditions = Vec::new();
        let (on, classes) = equalities(self.on, |c| {
            let leaf = owner.get(c)?;
            let schema = self.leaves[*leaf].schema();
            Some((
                *leaf,
                schema
                    .qualified_field_from_column(c)
                    .ok()?
                    .1
                    .data_type()
                    .clone(),
            ))
        });
        for ((l, r), class) in on.into_iter().zip(classes) {
            let (Some(a), Some(b)) = (set_of(&l), set_of(&r)) else {
                return Ok(None);
            };
            let one = |s: Set| (s.count_ones() == 1).then(|| s.trailing_zeros() as usize);
            let distinct = |e: &Expr, s: Set| match one(s) {
                Some(i) => side_distinct(e, &estimates[i]),
                None => 1.0,
            };
            let share = 1.0 / distinct(&l, a).max(distinct(&r, b));
            if a & b != 0 || a == 0 || b == 0 {
                conditions.push(Condition {
                    set: a | b,
                    sides: None,
                    expr: Some(l.eq(r)),
                    share,
                    class: None,
                });
                continue;
            }
            conditions.push(Condition {
                set: a | b,
                sides: Some((l, a, r, b)),
                expr: None,
                share,
                class,
            });
        }
        let everything = Estimate {
            rows: estimates.iter().map(|e| e.rows).fold(1.0, f64::max),
            columns: estimates.iter().flat_map(|e| e.columns.clone()).collect(),
        };
        for filter in self.filters {
            let Some(set) = set_of(&filter) else {
                return Ok(None);
            };
            let share = selectivity(&filter, &everything);
            conditions.push(Condition {
                set,
                sides: None,
                expr: Some(filter),
                share,
                class: None,
            });
        }
        let rows: Vec<f64> = estimates.iter().map(|e| e.rows.max(1.0)).collect();
        // Conditions of a class: the least selective first, see `Graph::cardinality`.
        conditions.sort_by(|a, b| b.share.total_cmp(&a.share));
        let graph = Graph { rows, conditions };
        let tree = match n {
            0..=EXACT => graph.exact(n),
            _ => graph.greedy(n),
        };
        let Some(tree) = tree else { return Ok(None) };
        let mut leaves: Vec<Option<LogicalPlan>> = self.leaves.into_iter().map(Some).collect();
        let mut used = vec![false; graph.conditions.len()];
        build(&tree, &mut leaves, &graph, &mut used).map(Some)
    }
}

/// The equalities with those that follow from them, and the class each belongs to, if any: columns
/// of one type, joined by equality, are all equal. `known`: a column's leaf and type.
fn equalities(
    mut on: Vec<(Expr, Expr)>,
    known: impl Fn(&Column) -> Option<(usize, DataType)>,
) -> (Vec<(Expr, Expr)>, Vec<Option<usize>>) {
    let mut classes: Vec<Vec<Column>> = Vec::new();
    let pair = |l: &Expr, r: &Expr| match (l, r) {
        (Expr::Column(l), Expr::Column(r)) => {
            let ((a, s), (b, t)) = (known(l)?, known(r)?);
            (a != b && s == t).then(|| (l.clone(), r.clone()))
        }
        _ => None,
    };
    for (l, r) in &on {
        let Some((l, r)) = pair(l, r) else { continue };
        let mut class = vec![l, r];
        classes.retain_mut(|other| {
            let common = other.iter().any(|c| class.contains(c));
            if common {
                other.retain(|c| !class.contains(c));
                class.append(other);
            }
            !common
        });
        classes.push(class);
    }
    // Of two columns of one leaf in a class, one condition would not stand for all.
    classes.retain(|class| {
        let mut leaves: Vec<_> = class.iter().filter_map(|c| Some(known(c)?.0)).collect();
        leaves.sort_unstable();
        leaves.windows(2).all(|w| w[0] != w[1])
    });
    let implied: Vec<(Expr, Expr)> = classes
        .iter()
        .flat_map(|class| {
            class
                .iter()
                .enumerate()
                .map(move |(i, l)| (l, &class[i + 1..]))
        })
        .flat_map(|(l, rest)| rest.iter().map(move |r| (l, r)))
        .map(|(l, r)| (Expr::Column(l.clone()), Expr::Column(r.clone())))
        .filter(|(l, r)| pair(l, r).is_some())
        .filter(|(l, r)| {
            !on.iter()
                .any(|(a, b)| (a == l && b == r) || (a == r && b == l))
        })
        .collect();
    on.extend(implied);
    let member = on
        .iter()
        .map(|(l, r)| {
            let (l, _) = pair(l, r)?;
            classes.iter().position(|class| class.contains(&l))
        })
        .collect();
    (on, member)
}

/// Notes that a class's columns in `set` are equal. False if that was known.
fn merge(joined: &mut Vec<(usize, Set)>, class: usize, set: Set) -> bool {
    let mut all = set;
    let mut known = false;
    joined.retain(|(c, part)| {
        let touches = *c == class && part & set != 0;
        known |= touches && set & !part == 0;
        if touches {
            all |= part;
        }
        !touches
    });
    joined.push((class, all));
    !known
}

struct Graph {
    rows: Vec<f64>,
    conditions: Vec<Condition>,
}

impl Graph {
    /// Estimated rows of the leaves of a set joined.
    fn cardinality(&self, set: Set) -> f64 {
        let mut rows = 1.0;
        for (i, r) in self.rows.iter().enumerate() {
            if set & (1 << i) != 0 {
                rows *= r;
            }
        }
        // Several equalities between one pair of tables are a key of two columns: together they
        // keep no less than one row for each of the larger table.
        let mut pairs: HashMap<Set, f64> = HashMap::new();
        // Of equal columns each but the one of fewest values divides the rows, once.
        let mut joined: Vec<(usize, Set)> = Vec::new();
        for c in self.conditions.iter().filter(|c| c.set & !set == 0) {
            if let Some(class) = c.class
                && !merge(&mut joined, class, c.set)
            {
                continue;
            }
            *pairs.entry(c.set).or_insert(1.0) *= c.share;
        }
        for (pair, share) in pairs {
            let floor = match pair.count_ones() {
                2 => {
                    let largest = (0..self.rows.len())
                        .filter(|i| pair & (1 << i) != 0)
                        .map(|i| self.rows[i])
                        .fold(1.0, f64::max);
                    1.0 / largest
                }
                _ => 0.0,
            };
            rows *= share.max(floor);
        }
        rows.max(1.0)
    }

    fn connected(&self, a: Set, b: Set) -> bool {
        self.conditions.iter().any(|c| match &c.sides {
            Some((_, l, _, r)) => (l & !a == 0 && r & !b == 0) || (l & !b == 0 && r & !a == 0),
            None => false,
        })
    }

    fn pair(&self, a: (&Best, Set, f64), b: (&Best, Set, f64), out: f64) -> Best {
        let (build, probe) = if a.2 <= b.2 { (a, b) } else { (b, a) };
        Best {
            cost: a.0.cost + b.0.cost + 2.0 * build.2 + probe.2 + out,
            tree: Tree::Join(
                Box::new((build.0.tree.clone(), build.1)),
                Box::new((probe.0.tree.clone(), probe.1)),
            ),
        }
    }

    fn exact(&self, n: usize) -> Option<Tree> {
        let all: Set = (1 << n) - 1;
        let mut best: Vec<Option<Best>> = vec![None; (all + 1) as usize];
        let mut cardinality = vec![0.0; (all + 1) as usize];
        for set in 1..=all {
            cardinality[set as usize] = self.cardinality(set);
        }
        for i in 0..n {
            best[1 << i] = Some(Best {
                cost: 0.0,
                tree: Tree::Leaf(i),
            });
        }
        for set in 1..=all {
            if set.count_ones() < 2 {
                continue;
            }
            let out = cardinality[set as usize];
            // Products only where nothing connects the parts.
            for products in [false, true] {
                let mut found: Option<Best> = None;
                let mut part = (set - 1) & set;
                while part > 0 {
                    let rest = set & !part;
                    if part < rest
                        && let (Some(a), Some(b)) = (&best[part as usize], &best[rest as usize])
                        && (products || self.connected(part, rest))
                    {
                        let candidate = self.pair(
                            (a, part, cardinality[part as usize]),
                            (b, rest, cardinality[rest as usize]),
                            out,
                        );
                        if found.as_ref().is_none_or(|f| candidate.cost < f.cost) {
                            found = Some(candidate);
                        }
                    }
                    part = (part - 1) & set;
                }
                if found.is_some() && (!products || set == all || best[set as usize].is_none()) {
                    best[set as usize] = found;
                    break;
                }
            }
        }
        best[all as usize].take().map(|b| b.tree)
    }

    fn greedy(&self, n: usize) -> Option<Tree> {
        let mut parts: Vec<(Best, Set, f64)> = (0..n)
            .map(|i| {
                let leaf = Best {
                    cost: 0.0,
                    tree: Tree::Leaf(i),
                };
                (leaf, 1 << i, self.rows[i])
            })
            .collect();
        while parts.len() > 1 {
            let mut choice: Option<(usize, usize, f64, bool)> = None;
            for i in 0..parts.len() {
                for j in i + 1..parts.len() {
                    let linked = self.connected(parts[i].1, parts[j].1);
                    let rows = self.cardinality(parts[i].1 | parts[j].1);
                    let better = match choice {
                        None => true,
                        Some((_, _, r, l)) => (linked, -rows) > (l, -r),
                    };
                    if better {
                        choice = Some((i, j, rows, linked));
                    }
                }
            }
            let (i, j, rows, _) = choice?;
            let b = parts.swap_remove(j);
            let a = parts.swap_remove(i);
            let joined = self.pair((&a.0, a.1, a.2), (&b.0, b.1, b.2), rows);
            parts.push((joined, a.1 | b.1, rows));
        }
        parts.pop().map(|(b, ..)| b.tree)
    }
}

fn build(
    tree: &Tree,
    leaves: &mut [Option<LogicalPlan>],
    graph: &Graph,
    used: &mut [bool],
) -> Result<LogicalPlan> {
    let (left, right) = match tree {
        Tree::Leaf(i) => {
            return leaves[*i].take().ok_or_else(|| {
                datafusion::error::DataFusionError::Internal("a table is joined twice".into())
            });
        }
        Tree::Join(left, right) => (left, right),
    };
    let (a, b) = (left.1, right.1);
    let left = build(&left.0, leaves, graph, used)?;
    let right = build(&right.0, leaves, graph, used)?;
    let mut on = Vec::new();
    let mut filters = Vec::new();
    let mut classes = Vec::new();
    for (i, c) in graph.conditions.iter().enumerate() {
        if used[i] || c.set & !(a | b) != 0 {
            continue;
        }
        if let Some(class) = c.class {
            used[i] = true;
            // On each side the class's columns are equal already.
            if classes.contains(&class) {
                continue;
            }
            classes.push(class);
        }
        match &c.sides {
            Some((l, ls, r, rs)) if ls & !a == 0 && rs & !b == 0 => on.push((l.clone(), r.clone())),
            Some((l, ls, r, rs)) if ls & !b == 0 && rs & !a == 0 => on.push((r.clone(), l.clone())),
            Some((l, _, r, _)) => filters.push(l.clone().eq(r.clone())),
            None => filters.extend(c.expr.clone()),
        }
        used[i] = true;
    }
    Join::try_new(
        Arc::new(left),
        Arc::new(right),
        on,
        conjunction(filters),
        JoinType::Inner,
        JoinConstraint::On,
        NullEquality::NullEqualsNothing,
        false,
    )
    .map(LogicalPlan::Join)
}
