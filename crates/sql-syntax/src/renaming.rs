//! A relation's new name, written into the text of a query that reads it. Only the name changes: the
//! rest of the text, its comments and its literals stay as they were written.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};

use lw_base::{Result, SqlError};
use sqlparser::ast::{Expr, Ident, ObjectName, Query, TableFactor, Visit, Visitor};

use crate::source::Source;

/// A relation's name.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    /// Its schema.
    pub schema: &'a str,
    /// Its own.
    pub name: &'a str,
}

/// The query with the relation `old` named `new`. `means` says whether a name in the query is that
/// relation. Where it was read without an alias it gets its old name as one, so that what is qualified
/// with it goes on to be found. A query in which it cannot be told apart from a WITH query of the same
/// name is an error (0A000).
pub fn renamed(
    sql: &str,
    old: Name<'_>,
    new: Name<'_>,
    means: impl Fn(&ObjectName) -> bool,
) -> Result<String> {
    let query = crate::parse_query(sql)?;
    let mut found = Found {
        source: Source::new(sql),
        old,
        new,
        means,
        with: BTreeSet::new(),
        edits: Vec::new(),
    };
    let mut names = WithNames(BTreeSet::new());
    let _ = query.visit(&mut names);
    found.with = names.0;
    if let ControlFlow::Break(error) = query.visit(&mut found) {
        return Err(error);
    }
    let mut edits = found.edits;
    edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut text = sql.to_string();
    for (place, with) in edits {
        text.replace_range(place, &with);
    }
    Ok(text)
}

/// Names of all WITH queries.
struct WithNames(BTreeSet<String>);

impl Visitor for WithNames {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.0.insert(folded(&table.alias.name));
        }
        ControlFlow::Continue(())
    }
}

struct Found<'a, F> {
    source: Source<'a>,
    old: Name<'a>,
    new: Name<'a>,
    means: F,
    with: BTreeSet<String>,
    edits: Vec<(Range<usize>, String)>,
}

impl<F> Found<'_, F> {
    /// Where an identifier stands. One that the parser made up stands nowhere.
    fn place(&self, ident: &Ident) -> Result<Range<usize>> {
        let place = self.source.byte(ident.span.start)..self.source.byte(ident.span.end);
        let text = self.source.text.get(place.clone()).unwrap_or_default();
        let same = match text.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"').map(|t| t.replace("\"\"", "\"")),
            None => Some(text.to_string()),
        };
        match same {
            Some(same) if same.eq_ignore_ascii_case(&ident.value) => Ok(place),
            _ => Err(SqlError::unsupported(format!(
                "renaming \"{}\" where a view reads it",
                self.old.name
            ))),
        }
    }

    fn table(&mut self, name: &ObjectName, alias: bool) -> Result<()> {
        let idents: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        let Some(last) = idents.last() else {
            return Ok(());
        };
        if idents.len() == 1 && self.with.contains(&folded(last)) {
            return Err(SqlError::unsupported(format!(
                "renaming \"{}\", which a view reads that has a WITH query of the same name,",
                self.old.name
            )));
        }
        // The database, if it is named, stays.
        let first = idents[idents.len().saturating_sub(2)];
        let place = self.place(first)?.start..self.place(last)?.end;
        let mut text = format!("{}.{}", quoted(self.new.schema), quoted(self.new.name));
        if !alias {
            text.push_str(" AS ");
            text.push_str(&quoted(self.old.name));
        }
        self.edits.push((place, text));
        Ok(())
    }

    /// `schema.table.column` loses its schema: the table is known by its alias now.
    fn column(&mut self, idents: &[Ident]) -> Result<()> {
        let [.., schema, table, _] = idents else {
            return Ok(());
        };
        if folded(schema) == self.old.schema && folded(table) == self.old.name {
            let place = self.place(&idents[0])?.start..self.place(table)?.start;
            self.edits.push((place, String::new()));
        }
        Ok(())
    }
}

impl<F: Fn(&ObjectName) -> bool> Visitor for Found<'_, F> {
    type Break = SqlError;

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<SqlError> {
        if let TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } = factor
            && (self.means)(name)
            && let Err(error) = self.table(name, alias.is_some())
        {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<SqlError> {
        if let Expr::CompoundIdentifier(idents) = expr
            && let Err(error) = self.column(idents)
        {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }
}

fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_backup(sql: &str) -> Result<String> {
        let old = Name {
            schema: "s",
            name: "t",
        };
        let new = Name {
            schema: "s",
            name: "t_backup",
        };
        renamed(sql, old, new, |name| {
            name.0
                .last()
                .and_then(|part| part.as_ident())
                .is_some_and(|ident| folded(ident) == "t")
        })
    }

    #[test]
    fn only_the_name_changes() {
        for (sql, expected) in [
            (
                "select t.a, 'from t\\\\n' from t -- t",
                "select t.a, 'from t\\\\n' from \"s\".\"t_backup\" AS \"t\" -- t",
            ),
            (
                "select x.a\nfrom \"dev\".\"s\".\"t\" x\njoin s.T y on x.a = y.a",
                "select x.a\nfrom \"dev\".\"s\".\"t_backup\" x\njoin \"s\".\"t_backup\" y on x.a = y.a",
            ),
            (
                "select s.t.a from s.t where exists (select 1 from u where u.a = dev.s.t.a)",
                "select t.a from \"s\".\"t_backup\" AS \"t\" where exists (select 1 from u where u.a = t.a)",
            ),
            (
                "with w as (select * from t) select * from w union all select * from t",
                "with w as (select * from \"s\".\"t_backup\" AS \"t\") select * from w union all select * from \"s\".\"t_backup\" AS \"t\"",
            ),
            (
                "select 'é', t.b from u, t",
                "select 'é', t.b from u, \"s\".\"t_backup\" AS \"t\"",
            ),
        ] {
            assert_eq!(to_backup(sql).unwrap(), expected);
        }
    }

    #[test]
    fn a_with_query_of_the_same_name_is_refused() {
        let error = to_backup("with t as (select 1 as a) select * from t").unwrap_err();
        assert!(error.message.contains("WITH query of the same name"));
    }
}
