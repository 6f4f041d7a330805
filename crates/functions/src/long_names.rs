//! Names of long expressions. The engine names an expression by its text, and asks for the names of
//! its parts on the way: over a row of hundreds of operators that takes seconds. Past some length
//! a name is a digest of the expression.

use std::hash::{DefaultHasher, Hash, Hasher};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

/// Nodes of an expression that is named by its text.
const TEXT: usize = 48;

/// The name of a call in a schema.
pub(crate) fn schema_name(function: &str, args: &[Expr]) -> Result<String> {
    let mut nodes = 0;
    for arg in args {
        arg.apply(|_| {
            nodes += 1;
            Ok(match nodes > TEXT {
                true => TreeNodeRecursion::Stop,
                false => TreeNodeRecursion::Continue,
            })
        })?;
    }
    if nodes <= TEXT {
        let args: Vec<String> = args.iter().map(|a| a.schema_name().to_string()).collect();
        return Ok(format!("{function}({})", args.join(",")));
    }
    let mut hasher = DefaultHasher::new();
    args.hash(&mut hasher);
    Ok(format!("{function}(#{:016x})", hasher.finish()))
}
