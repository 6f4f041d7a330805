//! `SELECT *` leaves out the hidden columns of the system tables (`pg_class.oid` and those that only
//! newer clients of PostgreSQL ask for).

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use crate::context::{PlanContext, QualifiedName, Resolved};

/// Marks the hidden columns of every wildcard as left out. The query's names are folded.
pub(super) fn hide(query: &mut Query, ctx: &PlanContext) {
    let _ = query.visit(&mut Hide { ctx });
}

struct Hide<'a> {
    ctx: &'a PlanContext,
}

/// A relation of FROM: the name it goes by, and its hidden columns.
struct Source {
    name: Option<ObjectName>,
    hidden: Vec<&'static str>,
}

impl VisitorMut for Hide<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let wild = |item: &SelectItem| {
            matches!(
                item,
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
            )
        };
        if !select.projection.iter().any(wild) {
            return ControlFlow::Continue(());
        }
        let mut sources = Vec::new();
        let mut merges = false;
        for table in &select.from {
            sources.push(self.source(&table.relation));
            for join in &table.joins {
                sources.push(self.source(&join.relation));
                merges |= merges_columns(&join.join_operator);
            }
        }
        if sources.iter().all(|s| s.hidden.is_empty()) {
            return ControlFlow::Continue(());
        }
        let items = std::mem::take(&mut select.projection);
        for item in items {
            match item {
                SelectItem::Wildcard(options) if sources.len() == 1 || merges => {
                    let hidden = sources.iter().flat_map(|s| s.hidden.iter().copied());
                    let options = without(options, hidden.collect());
                    select.projection.push(SelectItem::Wildcard(options));
                }
                SelectItem::Wildcard(options) if sources.iter().all(|s| s.name.is_some()) => {
                    // The columns of each relation in turn: the same name may be hidden in several.
                    for source in &sources {
                        if let Some(name) = &source.name {
                            select.projection.push(SelectItem::QualifiedWildcard(
                                SelectItemQualifiedWildcardKind::ObjectName(name.clone()),
                                without(options.clone(), source.hidden.clone()),
                            ));
                        }
                    }
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) => {
                    let last = |n: &ObjectName| n.0.last().map(|p| p.to_string());
                    let source = sources
                        .iter()
                        .find(|s| s.name.as_ref().and_then(last) == last(&name));
                    let hidden = source.map_or_else(Vec::new, |s| s.hidden.clone());
                    select.projection.push(SelectItem::QualifiedWildcard(
                        SelectItemQualifiedWildcardKind::ObjectName(name),
                        without(options, hidden),
                    ));
                }
                other => select.projection.push(other),
            }
        }
        ControlFlow::Continue(())
    }
}

impl Hide<'_> {
    fn source(&self, factor: &TableFactor) -> Source {
        let (name, alias) = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => (name, alias),
            TableFactor::Derived { alias, .. } => {
                return Source {
                    name: alias
                        .as_ref()
                        .map(|a| ObjectName::from(vec![a.name.clone()])),
                    hidden: Vec::new(),
                };
            }
            _ => {
                return Source {
                    name: None,
                    hidden: Vec::new(),
                };
            }
        };
        let mut parts: Vec<String> = name
            .0
            .iter()
            .filter_map(|p| p.as_ident().map(|i| i.value.clone()))
            .collect();
        let qualified = QualifiedName {
            name: parts.pop().unwrap_or_default(),
            schema: parts.pop(),
            database: parts.pop(),
        };
        let hidden = match self.ctx.find(&qualified) {
            Ok(Some(Resolved::System(relation))) => relation.columns[..relation.hidden]
                .iter()
                .map(|(name, _)| *name)
                .collect(),
            _ => Vec::new(),
        };
        let shown = match alias {
            Some(alias) => ObjectName::from(vec![alias.name.clone()]),
            None => name.clone(),
        };
        Source {
            name: Some(shown),
            hidden,
        }
    }
}

/// True for a join whose columns of the same name become one.
fn merges_columns(operator: &JoinOperator) -> bool {
    let constraint = match operator {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c) => c,
        _ => return false,
    };
    matches!(
        constraint,
        JoinConstraint::Using(_) | JoinConstraint::Natural
    )
}

fn without(
    mut options: WildcardAdditionalOptions,
    hidden: Vec<&'static str>,
) -> WildcardAdditionalOptions {
    if options.opt_exclude.is_none() && !hidden.is_empty() {
        let names = hidden
            .into_iter()
            .map(|name| ObjectName::from(vec![Ident::new(name)]))
            .collect();
        options.opt_exclude = Some(ExcludeSelectItem::Multiple(names));
    }
    options
}
