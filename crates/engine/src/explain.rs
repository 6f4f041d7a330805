//! EXPLAIN: a query's plan in Redshift's words, with estimates from the catalog's statistics
//! (Developer Guide, "Query plan"). EXPLAIN VERBOSE adds the engine's own plan.

use std::fmt::Write;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{
    BinaryExpr, Distinct, Expr, Join, JoinType, LogicalPlan, SortExpr, TableScan,
};
use datafusion::physical_plan::displayable;
use lw_base::Result;
use lw_catalog::{DistStyle, Relation};
use lw_sql_plan::query::names;

use crate::rules::cardinality::{bare, estimate};
use crate::{Engine, StatementContext};

/// Costs of a step.
#[derive(Debug, Clone, Copy)]
struct Cost {
    start: f64,
    total: f64,
}

/// What Redshift adds for a sort, which it does not like to choose.
const SORT: f64 = 1_000_000_000_000.0;

impl Engine {
    pub(crate) async fn explain_lines(
        &self,
        plan: &LogicalPlan,
        verbose: bool,
        ctx: &StatementContext,
    ) -> Result<Vec<String>> {
        let optimized = self.optimized(plan, ctx)?;
        let mut lines = Lines {
            out: Vec::new(),
            leader: !reads_tables(&optimized),
        };
        lines.node(&optimized, 0, true);
        let mut out = lines.out;
        if verbose {
            let (physical, _) = self.physical(plan, ctx).await?;
            out.push(String::new());
            out.push("Engine plan:".into());
            let text = displayable(physical.as_ref()).indent(true).to_string();
            out.extend(text.lines().map(String::from));
        }
        Ok(out)
    }
}

/// True if the plan reads tables of users (steps of compute nodes are marked XN).
fn reads_tables(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && relation_of(scan).is_some()
        {
            found = true;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// The table of the catalog a scan reads.
fn relation_of(scan: &TableScan) -> Option<std::sync::Arc<Relation>> {
    let provider = source_as_provider(&scan.source).ok()?;
    let any = provider.as_ref() as &dyn std::any::Any;
    any.downcast_ref::<crate::scan::SegmentTable>()
        .map(|t| t.relation().clone())
}

struct Lines {
    out: Vec<String>,
    leader: bool,
}

impl Lines {
    /// A step's line; details of it follow with [`Lines::detail`].
    fn step(&mut self, depth: usize, name: &str, cost: Cost, rows: f64, width: usize) {
        let xn = if self.leader { "" } else { "XN " };
        let indent = match depth {
            0 => String::from(" "),
            d => format!("{}->  ", " ".repeat(3 + (d - 1) * 6)),
        };
        self.out.push(format!(
            "{indent}{xn}{name}  (cost={:.2}..{:.2} rows={} width={width})",
            cost.start,
            cost.total,
            rows.round().max(1.0) as u64,
        ));
    }

    fn detail(&mut self, depth: usize, text: String) {
        let indent = match depth {
            0 => 3,
            d => 3 + (d - 1) * 6 + 6,
        };
        self.out.push(format!("{}{text}", " ".repeat(indent)));
    }

    fn node(&mut self, plan: &LogicalPlan, depth: usize, top: bool) {
        match plan {
            LogicalPlan::Projection(p) => self.node(&p.input, depth, top),
            LogicalPlan::SubqueryAlias(a) => match a.input.as_ref() {
                LogicalPlan::TableScan(scan) => self.scan(scan, Some(a.alias.table()), None, depth),
                LogicalPlan::Filter(f) if matches!(f.input.as_ref(), LogicalPlan::TableScan(_)) => {
                    self.filter(&f.input, &f.predicate, Some(a.alias.table()), depth);
                }
                input => {
                    let e = estimate(plan);
                    let name = format!("Subquery Scan {}", a.alias.table());
                    self.step(depth, &name, cost(plan), e.rows, width(plan));
                    self.node(input, depth + 1, false);
                }
            },
            LogicalPlan::TableScan(scan) => self.scan(scan, None, None, depth),
            LogicalPlan::Filter(f) => self.filter(&f.input, &f.predicate, None, depth),
            LogicalPlan::Join(join) => self.join(join, plan, depth),
            LogicalPlan::Aggregate(a) => {
                let e = estimate(plan);
                let name = match a.group_expr.is_empty() {
                    true => "Aggregate",
                    false => "HashAggregate",
                };
                self.step(depth, name, cost(plan), e.rows, width(plan));
                self.node(&a.input, depth + 1, false);
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let e = estimate(plan);
                self.step(depth, "Unique", cost(plan), e.rows, width(plan));
                self.node(input, depth + 1, false);
            }
            LogicalPlan::Sort(sort) => {
                let e = estimate(plan);
                let c = cost(plan);
                let keys = sort_keys(&sort.expr, &sort.input);
                let w = width(plan);
                let depth = if top && !self.leader {
                    self.step(depth, "Merge", c, e.rows, w);
                    self.detail(depth, format!("Merge Key: {keys}"));
                    self.step(depth + 1, "Network", c, e.rows, w);
                    self.detail(depth + 1, "Send to leader".into());
                    depth + 2
                } else {
                    depth
                };
                self.step(depth, "Sort", c, e.rows, w);
                self.detail(depth, format!("Sort Key: {keys}"));
                self.node(&sort.input, depth + 1, false);
            }
            LogicalPlan::Limit(l) => {
                let e = estimate(plan);
                self.step(depth, "Limit", cost(plan), e.rows, width(plan));
                self.node(&l.input, depth + 1, top);
            }
            LogicalPlan::Window(w) => {
                let e = estimate(plan);
                self.step(depth, "Window", cost(plan), e.rows, width(plan));
                for expr in &w.window_expr {
                    let mut inner = expr;
                    while let Expr::Alias(a) = inner {
                        inner = &a.expr;
                    }
                    if let Expr::WindowFunction(f) = inner {
                        if !f.params.partition_by.is_empty() {
                            let list = f.params.partition_by.iter().map(show).collect::<Vec<_>>();
                            self.detail(depth, format!("Partition: {}", list.join(", ")));
                        }
                        if !f.params.order_by.is_empty() {
                            let list = f
                                .params
                                .order_by
                                .iter()
                                .map(|s| show(&s.expr))
                                .collect::<Vec<_>>();
                            self.detail(depth, format!("Order: {}", list.join(", ")));
                        }
                        break;
                    }
                }
                self.node(&w.input, depth + 1, false);
            }
            LogicalPlan::Union(u) => {
                let e = estimate(plan);
                self.step(depth, "Append", cost(plan), e.rows, width(plan));
                for (i, input) in u.inputs.iter().enumerate() {
                    let e = estimate(input);
                    let name = format!("Subquery Scan \"*SELECT* {}\"", i + 1);
                    self.step(depth + 1, &name, cost(input), e.rows, width(input));
                    self.node(input, depth + 2, false);
                }
            }
            LogicalPlan::RecursiveQuery(r) => {
                let e = estimate(plan);
                let name = format!("Recursive Union {}", r.name);
                self.step(depth, &name, cost(plan), e.rows, width(plan));
                self.node(&r.static_term, depth + 1, false);
                self.node(&r.recursive_term, depth + 1, false);
            }
            LogicalPlan::EmptyRelation(e) if !e.produce_one_row => {
                let zero = Cost {
                    start: 0.0,
                    total: 0.0,
                };
                self.step(depth, "Result", zero, 0.0, width(plan));
                self.detail(depth, "One-Time Filter: false".into());
            }
            LogicalPlan::EmptyRelation(_) => {
                let c = Cost {
                    start: 0.0,
                    total: 0.01,
                };
                self.step(depth, "Result", c, 1.0, width(plan));
            }
            LogicalPlan::Values(v) => {
                let c = cost(plan);
                self.step(
                    depth,
                    "Values Scan \"*VALUES*\"",
                    c,
                    v.values.len() as f64,
                    width(plan),
                );
            }
            other => {
                for input in other.inputs() {
                    self.node(input, depth, top);
                }
            }
        }
    }

    fn filter(&mut self, input: &LogicalPlan, predicate: &Expr, alias: Option<&str>, depth: usize) {
        match input {
            LogicalPlan::TableScan(scan) => self.scan(scan, alias, Some(predicate), depth),
            LogicalPlan::SubqueryAlias(a) => match a.input.as_ref() {
                LogicalPlan::TableScan(scan) => {
                    self.scan(scan, Some(a.alias.table()), Some(predicate), depth);
                }
                _ => self.above(input, predicate, depth),
            },
            _ => self.above(input, predicate, depth),
        }
    }

    /// A condition over a step that is no scan: it is shown with the step.
    fn above(&mut self, input: &LogicalPlan, predicate: &Expr, depth: usize) {
        let at = self.out.len();
        self.node(input, depth, false);
        let indent = match depth {
            0 => 3,
            d => 3 + (d - 1) * 6 + 6,
        };
        let line = format!("{}Filter: {}", " ".repeat(indent), show(predicate));
        self.out.insert((at + 1).min(self.out.len()), line);
    }

    fn scan(&mut self, scan: &TableScan, alias: Option<&str>, above: Option<&Expr>, depth: usize) {
        let plan = LogicalPlan::TableScan(scan.clone());
        let mut e = estimate(&plan);
        let mut filters: Vec<&Expr> = scan.filters.iter().collect();
        if let Some(above) = above {
            if filters.is_empty() {
                let share = crate::rules::cardinality::selectivity(above, &e);
                e.rows *= share;
            }
            filters = vec![above];
        }
        let table = scan.table_name.table();
        let name = match (relation_of(scan), alias) {
            (Some(r), Some(alias)) if r.name != alias => format!("Seq Scan on {} {alias}", r.name),
            (Some(r), None) if r.name != table => format!("Seq Scan on {} {table}", r.name),
            (None, Some(alias)) if alias != table => format!("Seq Scan on {table} {alias}"),
            _ => format!("Seq Scan on {table}"),
        };
        let full = table_rows(scan);
        let c = Cost {
            start: 0.0,
            total: full * 0.01 * (1.0 + 0.25 * filters.len() as f64),
        };
        self.step(depth, &name, c, e.rows, width(&plan));
        if !filters.is_empty() {
            let text = match filters.as_slice() {
                [one] => parenthesized(&show(one)),
                many => format!(
                    "({})",
                    many.iter()
                        .map(|f| parenthesized(&show(f)))
                        .collect::<Vec<_>>()
                        .join(" AND ")
                ),
            };
            self.detail(depth, format!("Filter: {text}"));
        }
    }

    fn join(&mut self, join: &Join, plan: &LogicalPlan, depth: usize) {
        // The engine builds from the left; Redshift calls that side the inner one.
        let (outer, inner) = (&join.right, &join.left);
        let (outer_rows, inner_rows) = (estimate(outer).rows, estimate(inner).rows);
        let (outer, inner, swapped) = match join.join_type {
            JoinType::Inner if outer_rows >= inner_rows => (outer, inner, true),
            JoinType::Inner => (inner, outer, false),
            _ => (inner, outer, false),
        };
        let nested = join.on.is_empty();
        let kind = match join.join_type {
            JoinType::Inner => "Join",
            JoinType::Left => "Left Join",
            JoinType::Right => "Right Join",
            JoinType::Full => "Full Join",
            JoinType::LeftSemi | JoinType::RightSemi => "IN Join",
            JoinType::LeftAnti | JoinType::RightAnti => "NOT IN Join",
            _ => "Join",
        };
        let move_kind = movement(join, outer, inner, swapped);
        let name = match nested {
            true if kind == "Join" => format!("Nested Loop {move_kind}"),
            true => format!("Nested Loop {kind} {move_kind}"),
            false => format!("Hash {kind} {move_kind}"),
        };
        let e = estimate(plan);
        self.step(depth, &name, cost(plan), e.rows, width(plan));
        if !nested {
            let conditions: Vec<String> = join
                .on
                .iter()
                .map(|(l, r)| {
                    let (o, i) = if swapped { (r, l) } else { (l, r) };
                    format!("(\"outer\".{} = \"inner\".{})", short(o), short(i))
                })
                .collect();
            let text = match conditions.as_slice() {
                [one] => one.clone(),
                many => format!("({})", many.join(" AND ")),
            };
            self.detail(depth, format!("Hash Cond: {text}"));
        }
        if let Some(filter) = &join.filter {
            self.detail(
                depth,
                format!("Join Filter: {}", parenthesized(&show(filter))),
            );
        }
        self.node(outer, depth + 1, false);
        if nested {
            self.node(inner, depth + 1, false);
            return;
        }
        let c = cost(inner);
        let at = Cost {
            start: c.total,
            total: c.total,
        };
        let rows = estimate(inner).rows;
        self.step(depth + 1, "Hash", at, rows, width(inner));
        self.node(inner, depth + 2, false);
    }
}

fn table_rows(scan: &TableScan) -> f64 {
    let bare = TableScan {
        filters: Vec::new(),
        ..scan.clone()
    };
    estimate(&LogicalPlan::TableScan(bare)).rows
}

/// How rows would move between nodes for a join.
fn movement(join: &Join, outer: &LogicalPlan, inner: &LogicalPlan, swapped: bool) -> &'static str {
    if join.on.is_empty() {
        return "DS_BCAST_INNER";
    }
    let side = |plan: &LogicalPlan, key: fn(&(Expr, Expr)) -> &Expr| {
        let mut keyed = false;
        let mut all = false;
        if let Some(relation) = only_table(plan)
            && let Some(def) = relation.table()
        {
            match &def.dist {
                DistStyle::All => all = true,
                DistStyle::Key(id) => {
                    let name = relation
                        .columns
                        .iter()
                        .find(|c| c.id == *id)
                        .map(|c| &c.name);
                    keyed = join
                        .on
                        .iter()
                        .any(|pair| bare(key(pair)).map(|c| &c.name) == name);
                }
                _ => {}
            }
        }
        (keyed, all)
    };
    let (outer_side, inner_side) = if swapped {
        (side(outer, |p| &p.1), side(inner, |p| &p.0))
    } else {
        (side(outer, |p| &p.0), side(inner, |p| &p.1))
    };
    match (outer_side, inner_side) {
        (_, (_, true)) => "DS_DIST_ALL_NONE",
        ((true, _), (true, _)) => "DS_DIST_NONE",
        ((true, _), _) => "DS_DIST_INNER",
        (_, (true, _)) => "DS_DIST_OUTER",
        _ if estimate(inner).rows <= 100_000.0 => "DS_BCAST_INNER",
        _ => "DS_DIST_BOTH",
    }
}

/// The table a plan scans, if it is a scan with nothing but filters and renamings above.
fn only_table(plan: &LogicalPlan) -> Option<std::sync::Arc<Relation>> {
    match plan {
        LogicalPlan::TableScan(scan) => relation_of(scan),
        LogicalPlan::Projection(p) => only_table(&p.input),
        LogicalPlan::Filter(f) => only_table(&f.input),
        LogicalPlan::SubqueryAlias(a) => only_table(&a.input),
        _ => None,
    }
}

fn cost(plan: &LogicalPlan) -> Cost {
    let rows = |p: &LogicalPlan| estimate(p).rows;
    match plan {
        LogicalPlan::TableScan(scan) => Cost {
            start: 0.0,
            total: table_rows(scan) * 0.01 * (1.0 + 0.25 * scan.filters.len() as f64),
        },
        LogicalPlan::Filter(f) => match f.input.as_ref() {
            LogicalPlan::TableScan(scan) if scan.filters.is_empty() => Cost {
                start: 0.0,
                total: table_rows(scan) * 0.0125,
            },
            input => cost(input),
        },
        LogicalPlan::Aggregate(a) => {
            let c = cost(&a.input);
            let start = c.total + rows(&a.input) * 0.005;
            Cost {
                start,
                total: start + rows(plan) * 0.0025,
            }
        }
        LogicalPlan::Distinct(d) => {
            let c = cost(d.input());
            Cost {
                start: c.start,
                total: c.total + rows(d.input()) * 0.0025,
            }
        }
        LogicalPlan::Sort(s) => {
            let c = cost(&s.input);
            let n = rows(&s.input).max(2.0);
            let start = SORT + c.total + n * n.log2() * 0.005;
            Cost {
                start,
                total: start + n * 0.0025,
            }
        }
        LogicalPlan::Window(w) => {
            let c = cost(&w.input);
            let n = rows(&w.input).max(2.0);
            let start = SORT + c.total + n * n.log2() * 0.005;
            Cost {
                start,
                total: start + n * 0.02,
            }
        }
        LogicalPlan::Join(j) => {
            let (l, r) = (cost(&j.left), cost(&j.right));
            let (a, b) = (rows(&j.left), rows(&j.right));
            if j.on.is_empty() {
                return Cost {
                    start: 0.0,
                    total: l.total + r.total + a * b * 0.01,
                };
            }
            let build = if a < b { l.total } else { r.total };
            Cost {
                start: build * 1.25,
                total: l.total + r.total + (a + b) * 0.0125 + rows(plan) * 0.005,
            }
        }
        LogicalPlan::Union(u) => {
            let costs: Vec<Cost> = u.inputs.iter().map(|p| cost(p)).collect();
            Cost {
                start: costs
                    .iter()
                    .map(|c| c.start)
                    .fold(f64::MAX, f64::min)
                    .min(1e18),
                total: costs.iter().map(|c| c.total).sum(),
            }
        }
        LogicalPlan::Limit(l) => {
            let c = cost(&l.input);
            let share = (rows(plan) / rows(&l.input).max(1.0)).min(1.0);
            Cost {
                start: c.start,
                total: c.start + (c.total - c.start) * share,
            }
        }
        LogicalPlan::EmptyRelation(_) => Cost {
            start: 0.0,
            total: 0.01,
        },
        LogicalPlan::Values(v) => Cost {
            start: 0.0,
            total: v.values.len() as f64 * 0.01,
        },
        other => match other.inputs().first() {
            Some(input) => cost(input),
            None => Cost {
                start: 0.0,
                total: 0.01,
            },
        },
    }
}

/// Bytes of a row.
fn width(plan: &LogicalPlan) -> usize {
    use lw_pgrepr::SqlType;
    plan.schema()
        .fields()
        .iter()
        .map(|f| match SqlType::of_field(f) {
            Some(SqlType::Char(n) | SqlType::Varchar(n)) => (n as usize).min(256) / 2 + 1,
            Some(t) => usize::try_from(t.typlen()).unwrap_or(8),
            None => 8,
        })
        .sum()
}

fn parenthesized(text: &str) -> String {
    match text.starts_with('(') && text.ends_with(')') {
        true => text.to_string(),
        false => format!("({text})"),
    }
}

fn sort_keys(keys: &[SortExpr], _input: &LogicalPlan) -> String {
    keys.iter()
        .map(|k| show(&k.expr))
        .collect::<Vec<_>>()
        .join(", ")
}

fn short(expr: &Expr) -> String {
    match expr {
        Expr::Column(c) => names::visible(&c.name).to_string(),
        other => show(other),
    }
}

fn column(c: &Column) -> String {
    let name = names::visible(&c.name);
    match &c.relation {
        Some(r) => format!("{}.{name}", r.table()),
        None => name.to_string(),
    }
}

/// An expression as PostgreSQL prints it in plans.
fn show(expr: &Expr) -> String {
    match expr {
        Expr::Column(c) => column(c),
        Expr::Alias(a) => show(&a.expr),
        Expr::Literal(v, _) => literal(v),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            format!("({} {op} {})", show(left), show(right))
        }
        Expr::Not(e) => format!("(NOT {})", show(e)),
        Expr::IsNull(e) => format!("({} IS NULL)", show(e)),
        Expr::IsNotNull(e) => format!("({} IS NOT NULL)", show(e)),
        Expr::Cast(c) => {
            let t = lw_pgrepr::SqlType::of_field(&c.field).map(|t| t.to_string());
            format!(
                "({})::{}",
                show(&c.expr),
                t.unwrap_or_else(|| c.field.data_type().to_string())
            )
        }
        Expr::Like(l) => {
            let op = match (l.negated, l.case_insensitive) {
                (false, false) => "~~",
                (true, false) => "!~~",
                (false, true) => "~~*",
                (true, true) => "!~~*",
            };
            format!("({} {op} {})", show(&l.expr), show(&l.pattern))
        }
        Expr::InList(l) => {
            let items: Vec<String> = l.list.iter().map(show).collect();
            let op = if l.negated { "<> ALL" } else { "= ANY" };
            format!("({} {op} ({}))", show(&l.expr), items.join(", "))
        }
        Expr::ScalarFunction(f) => match (f.name(), f.args.as_slice()) {
            ("__cast", [value, Expr::Literal(t, _)]) => {
                format!(
                    "({})::{}",
                    show(value),
                    t.try_as_str().flatten().unwrap_or_default()
                )
            }
            (name @ ("__add" | "__sub" | "__mul" | "__div" | "__mod"), [a, b]) => {
                let op = match name {
                    "__add" => "+",
                    "__sub" => "-",
                    "__mul" => "*",
                    "__div" => "/",
                    _ => "%",
                };
                format!("({} {op} {})", show(a), show(b))
            }
            (name, args) => {
                let args: Vec<String> = args.iter().map(show).collect();
                format!("{}({})", name.trim_start_matches("__"), args.join(", "))
            }
        },
        Expr::AggregateFunction(f) => {
            let args: Vec<String> = f.params.args.iter().map(show).collect();
            let distinct = if f.params.distinct { "DISTINCT " } else { "" };
            let args = if args == ["1"] {
                "*".to_string()
            } else {
                args.join(", ")
            };
            format!("{}({distinct}{args})", f.func.name())
        }
        Expr::Case(c) => {
            let mut out = String::from("CASE");
            for (w, t) in &c.when_then_expr {
                let _ = write!(out, " WHEN {} THEN {}", show(w), show(t));
            }
            if let Some(e) = &c.else_expr {
                let _ = write!(out, " ELSE {}", show(e));
            }
            out + " END"
        }
        other => other.to_string(),
    }
}

fn literal(value: &ScalarValue) -> String {
    match value {
        v if v.is_null() => "NULL".into(),
        ScalarValue::Utf8(Some(s)) | ScalarValue::Utf8View(Some(s)) => {
            format!("'{}'::character varying", s.replace('\'', "''"))
        }
        ScalarValue::Date32(Some(_)) => format!("'{value}'::date"),
        ScalarValue::TimestampMicrosecond(..) => {
            let text = value.cast_to(&arrow::datatypes::DataType::Utf8).ok();
            format!(
                "'{}'::timestamp without time zone",
                text.map(|t| t.to_string().replace('T', " "))
                    .unwrap_or_default()
            )
        }
        ScalarValue::Decimal128(Some(v), _, s) => {
            let mut out = bytes::BytesMut::new();
            lw_pgrepr::numeric::write_numeric(*v, *s, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        }
        other => other.to_string(),
    }
}
