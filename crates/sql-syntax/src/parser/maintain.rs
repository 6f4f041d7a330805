//! VACUUM, ANALYZE.

use lw_base::{SqlError, SqlState};
use sqlparser::tokenizer::Token;

use super::{P, PResult};
use crate::ast::*;

impl P<'_> {
    /// VACUUM, ANALYZE.
    pub(super) fn maintain(&mut self) -> PResult<Option<Statement>> {
        Ok(Some(if self.eat("VACUUM") {
            self.vacuum()?
        } else if self.eat("ANALYZE") || self.eat("ANALYSE") {
            self.analyze()?
        } else {
            return Ok(None);
        }))
    }

    fn vacuum(&mut self) -> PResult<Statement> {
        let kinds = ["FULL", "SORT ONLY", "DELETE ONLY", "REINDEX", "RECLUSTER"];
        let kind = match self.eat_any(&kinds) {
            None | Some("FULL") => VacuumKind::Full,
            Some("SORT ONLY") => VacuumKind::SortOnly,
            Some("DELETE ONLY") => VacuumKind::DeleteOnly,
            Some("REINDEX") => VacuumKind::Reindex,
            Some(_) => VacuumKind::Recluster,
        };
        let mut vacuum = Vacuum {
            kind,
            table: None,
            percent: None,
            boost: false,
        };
        if !self.at_end() && !self.at("BOOST") {
            self.eat("TABLE");
            vacuum.table = Some(self.name()?);
        }
        if self.eat("TO") {
            let percent: i64 = self.integer()?;
            vacuum.percent = match u8::try_from(percent) {
                Ok(p) if p <= 100 => Some(p),
                _ => {
                    return Err(SqlError::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("vacuum threshold must be between 0 and 100, not {percent}"),
                    )
                    .into());
                }
            };
            self.need("PERCENT")?;
        }
        vacuum.boost = self.eat("BOOST");
        Ok(Statement::Vacuum(vacuum))
    }

    fn analyze(&mut self) -> PResult<Statement> {
        let mut analyze = Analyze {
            table: None,
            columns: vec![],
            predicate_columns: false,
            verbose: false,
            compression: None,
        };
        let compression = self.eat("COMPRESSION");
        if !compression {
            analyze.verbose = self.eat("VERBOSE");
        }
        let columns_follow =
            |p: &Self| (p.at("PREDICATE") || p.at("ALL")) && p.at_nth(1, "COLUMNS");
        if !self.at_end() && !columns_follow(self) && !self.at("COMPROWS") {
            analyze.table = Some(self.name()?);
            if *self.peek() == Token::LParen {
                analyze.columns = self.parens(Self::ident)?;
            }
        }
        if compression {
            let rows = if self.eat("COMPROWS") {
                Some(self.unsigned()?)
            } else {
                None
            };
            analyze.compression = Some(rows);
        } else if self.eats("PREDICATE COLUMNS") {
            analyze.predicate_columns = true;
        } else {
            self.eats("ALL COLUMNS");
        }
        Ok(Statement::Analyze(analyze))
    }
}
