//! CREATE TABLE, CREATE TABLE AS, SELECT INTO.

use std::collections::HashSet;

use lw_base::{Oid, Result, SqlError, SqlState};
use lw_catalog::{
    Acl, Column, Constraint, ConstraintKind, DistStyle, Identity, Relation, RelationKind,
    SLICES_PER_TABLE, SortKey, TableDef,
};
use lw_pgrepr::SqlType;
use lw_pgrepr::types::VARCHAR_MAX;
use lw_sql_syntax::ast::{
    ColumnSpec, ConstraintKind as KindSpec, ConstraintSpec, CreateTable, CreateTableAs, DistSpec,
    SortSpec, TableAttributes, TableElement,
};
use lw_sql_syntax::sqlparser::ast::Ident;

use super::{Place, encoding, exists, nothing, occupant, place, planned};
use crate::context::PlanContext;
use crate::plan::*;
use crate::query::types::sql_type;
use crate::query::{assignment_cast, plan_constant, plan_query};

/// Most columns of a table (Developer Guide, CREATE TABLE).
const MAX_COLUMNS: usize = 1_600;
/// Most columns of a compound sort key.
const MAX_SORT: usize = 400;
/// Most columns of an interleaved sort key.
const MAX_INTERLEAVED: usize = 8;
/// Names PostgreSQL gives to hidden columns of every table.
const SYSTEM_COLUMNS: &[&str] = &["oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// A table in the making.
struct Draft<'a> {
    ctx: &'a PlanContext,
    place: Place,
    temporary: bool,
    columns: Vec<Column>,
    constraints: Vec<Constraint>,
    dist: Option<DistStyle>,
    sort: Option<SortKey>,
    backup: bool,
}

pub(super) fn create(create: &CreateTable, ctx: &PlanContext) -> Result<Planned> {
    let place = place(&create.name, create.temporary, ctx)?;
    if occupant(&place, ctx).is_some() {
        return if create.if_not_exists {
            let notice = format!(
                "Relation \"{}\" already exists and will be skipped",
                place.name
            );
            Ok(nothing(notice, "CREATE TABLE"))
        } else {
            Err(exists(&place.name))
        };
    }
    let mut draft = Draft::new(place, create.temporary, ctx);
    for element in &create.elements {
        match element {
            TableElement::Column(spec) => {
                let column = column(spec, ctx)?;
                draft.push(column)?;
            }
            TableElement::Like { table, defaults } => draft.like(table, *defaults)?,
            TableElement::Constraint(_) => {}
        }
    }
    if draft.columns.is_empty() {
        return Err(SqlError::syntax("tables must have at least one column"));
    }
    draft.keys_of_columns(&create.elements)?;
    draft.attributes(&create.attributes)?;
    let references: Vec<Access> = draft
        .constraints
        .iter()
        .filter_map(|c| match &c.kind {
            ConstraintKind::ForeignKey { table, .. } if table.0 != 0 => {
                Some(Access::Relation(*table, 'x'))
            }
            _ => None,
        })
        .collect();
    let mut access = vec![draft.place.access.clone()];
    access.extend(references);
    let plan = DdlPlan::CreateTable {
        relation: draft.finish(),
        if_not_exists: create.if_not_exists,
        input: None,
    };
    Ok(planned(plan, access, vec![], "CREATE TABLE"))
}

pub(super) fn create_as(create: &CreateTableAs, ctx: &PlanContext) -> Result<Planned> {
    let tag = if create.select_into {
        "SELECT"
    } else {
        "CREATE TABLE AS"
    };
    let place = place(&create.name, create.temporary, ctx)?;
    if occupant(&place, ctx).is_some() {
        return if create.if_not_exists {
            let notice = format!(
                "Relation \"{}\" already exists and will be skipped",
                place.name
            );
            Ok(nothing(notice, tag))
        } else {
            Err(exists(&place.name))
        };
    }
    let query = plan_query(&create.query, ctx)?;
    if create.columns.len() > query.columns.len() {
        return Err(SqlError::syntax(
            "CREATE TABLE AS specifies too many column names",
        ));
    }
    let mut draft = Draft::new(place, create.temporary, ctx);
    for (i, result) in query.columns.iter().enumerate() {
        let name = match create.columns.get(i) {
            Some(ident) => ctx.fold(ident),
            None => result.name.clone(),
        };
        draft.push(plain_column(name, storable(result.sql_type)?))?;
    }
    draft.attributes(&create.attributes)?;
    let targets: Vec<(String, SqlType)> = draft
        .columns
        .iter()
        .map(|c| (c.name.clone(), c.sql_type))
        .collect();
    let input = assignment_cast(query.logical, &targets)?;
    let mut access = vec![draft.place.access.clone()];
    access.extend(query.access);
    let plan = DdlPlan::CreateTable {
        relation: draft.finish(),
        if_not_exists: create.if_not_exists,
        input: Some(input),
    };
    let mut planned = planned(plan, access, vec![], tag);
    planned.reads = query.reads;
    planned.params = query.params;
    Ok(planned)
}

/// The type a table holds values of a result's type in.
pub(crate) fn storable(sql_type: SqlType) -> Result<SqlType> {
    use SqlType::*;
    Ok(match sql_type {
        Text | Unknown => Varchar(VARCHAR_MAX),
        Name => Varchar(128),
        Regproc | Int2Vector | OidVector => Varchar(VARCHAR_MAX),
        CharByte => Char(1),
        Oid | Xid => Int8,
        Int2Array | Int4Array | OidArray | TextArray | NameArray | AclItemArray | Void => {
            return Err(SqlError::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("a column cannot be of type {sql_type}"),
            ));
        }
        other => other,
    })
}

fn plain_column(name: String, sql_type: SqlType) -> Column {
    Column {
        id: 0,
        name,
        sql_type,
        not_null: false,
        default: None,
        added_default: None,
        identity: None,
        encoding: String::new(),
        encoding_explicit: false,
        case_insensitive: false,
    }
}

/// A column as defined; its id is 0.
pub(super) fn column(spec: &ColumnSpec, ctx: &PlanContext) -> Result<Column> {
    let name = ctx.fold(&spec.name);
    let sql_type = sql_type(&spec.data_type)?;
    if storable(sql_type)? != sql_type {
        return Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("column \"{name}\" cannot be of type {sql_type}"),
        ));
    }
    let mut column = plain_column(name, sql_type);
    if spec.not_null == Some(false) && spec.primary_key {
        return Err(SqlError::syntax(format!(
            "conflicting NULL/NOT NULL declarations for column \"{}\"",
            column.name
        )));
    }
    column.not_null = spec.not_null == Some(true) || spec.primary_key;
    column.case_insensitive = spec.case_insensitive;
    if spec.case_insensitive && !sql_type.is_string() {
        return Err(SqlError::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!("collations are not supported by type {sql_type}"),
        ));
    }
    if let Some(default) = &spec.default {
        // Checks the type and that no column is named.
        plan_constant(&default.expr, ctx, sql_type)?;
        column.default = Some(default.text.clone());
    }
    if let Some((seed, step, by_default)) = spec.identity {
        if !matches!(sql_type, SqlType::Int4 | SqlType::Int8) {
            return Err(SqlError::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!(
                    "identity column \"{}\" must be of type INT or BIGINT",
                    column.name
                ),
            ));
        }
        if step == 0 {
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "identity step must not be zero",
            ));
        }
        if spec.default.is_some() {
            return Err(SqlError::syntax(format!(
                "both default and identity specified for column \"{}\"",
                column.name
            )));
        }
        if spec.not_null == Some(false) {
            return Err(SqlError::syntax(format!(
                "conflicting NULL/NOT NULL declarations for column \"{}\"",
                column.name
            )));
        }
        column.not_null = true;
        column.identity = Some(Identity {
            seed,
            step,
            by_default,
        });
    }
    if let Some(name) = &spec.encode {
        encoding::check(name, sql_type, &column.name)?;
        column.encoding = match name.as_str() {
            "none" => "raw".to_string(),
            "auto" => String::new(),
            other => other.to_string(),
        };
        column.encoding_explicit = name != "auto";
    }
    Ok(column)
}

impl<'a> Draft<'a> {
    fn new(place: Place, temporary: bool, ctx: &'a PlanContext) -> Self {
        Draft {
            ctx,
            place,
            temporary,
            columns: vec![],
            constraints: vec![],
            dist: None,
            sort: None,
            backup: true,
        }
    }

    fn push(&mut self, mut column: Column) -> Result<()> {
        if self.columns.iter().any(|c| c.name == column.name) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", column.name),
            ));
        }
        if SYSTEM_COLUMNS.contains(&column.name.as_str()) {
            return Err(SqlError::new(
                SqlState::DUPLICATE_COLUMN,
                format!(
                    "column name \"{}\" conflicts with a system column name",
                    column.name
                ),
            ));
        }
        if self.columns.len() == MAX_COLUMNS {
            return Err(SqlError::new(
                SqlState("54011"),
                format!("tables can have at most {MAX_COLUMNS} columns"),
            ));
        }
        column.id = self.columns.len() as u32 + 1;
        self.columns.push(column);
        Ok(())
    }

    fn id(&self, ident: &Ident) -> Result<u32> {
        let name = self.ctx.fold(ident);
        self.columns
            .iter()
            .find(|c| c.name == name)
            .map(|c| c.id)
            .ok_or_else(|| {
                SqlError::new(
                    SqlState::UNDEFINED_COLUMN,
                    format!("column \"{name}\" named in key does not exist"),
                )
            })
    }

    fn like(
        &mut self,
        table: &lw_sql_syntax::sqlparser::ast::ObjectName,
        defaults: bool,
    ) -> Result<()> {
        let parent = self.ctx.relation(table)?;
        let offset = self.columns.len() as u32;
        // Where the parent's columns come to stand.
        let mut ids = std::collections::BTreeMap::new();
        for old in &parent.columns {
            let mut new = old.clone();
            if !defaults {
                new.default = None;
            }
            new.identity = None;
            new.added_default = None;
            new.sql_type = storable(old.sql_type)?;
            self.push(new)?;
            ids.insert(old.id, self.columns.len() as u32);
        }
        let Some(def) = parent.table() else {
            return Ok(());
        };
        if offset > 0 {
            return Ok(());
        }
        let renumber = |keys: &[u32]| keys.iter().filter_map(|k| ids.get(k).copied()).collect();
        self.backup = def.backup;
        self.dist = Some(match &def.dist {
            DistStyle::Key(k) => ids.get(k).map_or(DistStyle::Auto, |k| DistStyle::Key(*k)),
            other => other.clone(),
        });
        self.sort = Some(match &def.sort {
            SortKey::Compound(keys) => SortKey::Compound(renumber(keys)),
            SortKey::Interleaved(keys) => SortKey::Interleaved(renumber(keys)),
            other => other.clone(),
        });
        Ok(())
    }

    /// DISTKEY, SORTKEY and constraints of columns, then the table's constraints.
    fn keys_of_columns(&mut self, elements: &[TableElement]) -> Result<()> {
        let mut sort = Vec::new();
        for element in elements {
            match element {
                TableElement::Column(spec) => {
                    let id = self.id(&spec.name)?;
                    if spec.distkey {
                        if matches!(self.dist, Some(DistStyle::Key(_))) {
                            return Err(SqlError::new(
                                SqlState::INVALID_TABLE_DEFINITION,
                                "only one DISTKEY column is allowed",
                            ));
                        }
                        self.dist = Some(DistStyle::Key(id));
                    }
                    if spec.sortkey {
                        sort.push(id);
                    }
                    let name = |given: &Option<Ident>| given.as_ref().map(|n| self.ctx.fold(n));
                    let primary = name(&spec.primary_key_name);
                    let (unique, foreign) = (name(&spec.unique_name), name(&spec.references_name));
                    if spec.primary_key {
                        self.constrain(primary, ConstraintKind::PrimaryKey, vec![id])?;
                    }
                    if spec.unique {
                        self.constrain(unique, ConstraintKind::Unique, vec![id])?;
                    }
                    if let Some((table, column)) = &spec.references {
                        let referenced: Vec<Ident> = column.iter().cloned().collect();
                        let kind = self.foreign_key(table, &referenced, 1)?;
                        self.constrain(foreign, kind, vec![id])?;
                    }
                }
                TableElement::Constraint(spec) => self.constraint(spec)?,
                TableElement::Like { .. } => {}
            }
        }
        if !sort.is_empty() {
            self.sort = Some(SortKey::Compound(sort));
        }
        Ok(())
    }

    fn constraint(&mut self, spec: &ConstraintSpec) -> Result<()> {
        let columns = spec
            .columns
            .iter()
            .map(|c| self.id(c))
            .collect::<Result<Vec<_>>>()?;
        let kind = match &spec.kind {
            KindSpec::PrimaryKey => ConstraintKind::PrimaryKey,
            KindSpec::Unique => ConstraintKind::Unique,
            KindSpec::ForeignKey(table, referenced) => {
                self.foreign_key(table, referenced, columns.len())?
            }
        };
        let name = spec.name.as_ref().map(|n| self.ctx.fold(n));
        self.constrain(name, kind, columns)
    }

    /// A reference to another table, or to the one in the making (its id is 0 until it has one).
    fn foreign_key(
        &self,
        table: &lw_sql_syntax::sqlparser::ast::ObjectName,
        referenced: &[Ident],
        width: usize,
    ) -> Result<ConstraintKind> {
        let name = self.ctx.qualified(table)?;
        if name.schema.is_none() && name.name == self.place.name {
            let columns = referenced
                .iter()
                .map(|c| self.id(c))
                .collect::<Result<Vec<_>>>()?;
            return resolve_foreign_key(
                Oid(0),
                &self.place.name,
                &self.constraints,
                columns,
                width,
            );
        }
        foreign_key(table, referenced, width, self.ctx)
    }

    fn constrain(
        &mut self,
        name: Option<String>,
        kind: ConstraintKind,
        columns: Vec<u32>,
    ) -> Result<()> {
        let table = self.place.name.clone();
        let constraint = new_constraint(
            &table,
            &self.columns,
            &self.constraints,
            name,
            kind,
            columns,
        )?;
        if constraint.kind == ConstraintKind::PrimaryKey {
            for column in &mut self.columns {
                column.not_null |= constraint.columns.contains(&column.id);
            }
        }
        self.constraints.push(constraint);
        Ok(())
    }

    fn attributes(&mut self, attributes: &TableAttributes) -> Result<()> {
        if let Some(backup) = attributes.backup {
            self.backup = backup;
        }
        if let Some(ident) = &attributes.distkey {
            let id = self.id(ident)?;
            if matches!(self.dist, Some(DistStyle::Key(other)) if other != id) {
                return Err(SqlError::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    "only one DISTKEY column is allowed",
                ));
            }
            self.dist = Some(DistStyle::Key(id));
        }
        let has_key = matches!(self.dist, Some(DistStyle::Key(_)));
        match &attributes.diststyle {
            None => {}
            Some(DistSpec::Key) if has_key => {}
            Some(DistSpec::Key) => {
                return Err(SqlError::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    "DISTSTYLE KEY requires a DISTKEY column",
                ));
            }
            Some(style) => {
                let key_given = attributes.distkey.is_some() || has_key;
                if key_given && *style != DistSpec::Auto {
                    return Err(SqlError::new(
                        SqlState::INVALID_TABLE_DEFINITION,
                        format!(
                            "DISTKEY cannot be specified with DISTSTYLE {}",
                            if *style == DistSpec::All {
                                "ALL"
                            } else {
                                "EVEN"
                            }
                        ),
                    ));
                }
                if !key_given {
                    self.dist = Some(dist_style(style));
                }
            }
        }
        if let Some(sort) = &attributes.sortkey {
            self.sort = Some(sort_key(sort, |c| self.id(c))?);
        }
        Ok(())
    }

    fn finish(mut self) -> Relation {
        let sort = self.sort.unwrap_or(SortKey::Auto);
        let sorted: HashSet<u32> = match &sort {
            SortKey::Compound(ids) | SortKey::Interleaved(ids) => ids.iter().copied().collect(),
            _ => HashSet::new(),
        };
        for column in &mut self.columns {
            if column.encoding.is_empty() {
                column.encoding =
                    encoding::default(column.sql_type, sorted.contains(&column.id), self.temporary)
                        .to_string();
            }
        }
        Relation {
            oid: Oid(0),
            schema: self.place.schema,
            name: self.place.name,
            owner: self.ctx.session.user,
            kind: RelationKind::Table(TableDef {
                dist: self.dist.unwrap_or(DistStyle::Auto),
                sort,
                temporary: self.temporary,
                backup: self.backup,
                next_column_id: self.columns.len() as u32 + 1,
                slices: SLICES_PER_TABLE,
                constraints: self.constraints,
            }),
            columns: self.columns,
            acl: Acl::default(),
            created_at: self.ctx.session.statement_start,
        }
    }
}

/// A distribution style without a key.
pub(super) fn dist_style(spec: &DistSpec) -> DistStyle {
    match spec {
        DistSpec::Even => DistStyle::Even,
        DistSpec::All => DistStyle::All,
        DistSpec::Auto | DistSpec::Key => DistStyle::Auto,
    }
}

/// A sort key, its columns found by `id`.
pub(super) fn sort_key(spec: &SortSpec, id: impl Fn(&Ident) -> Result<u32>) -> Result<SortKey> {
    let ids = |columns: &[Ident], max: usize| -> Result<Vec<u32>> {
        if columns.len() > max {
            return Err(SqlError::new(
                SqlState("54011"),
                format!("a sort key can have at most {max} columns"),
            ));
        }
        let mut ids = Vec::with_capacity(columns.len());
        for column in columns {
            let id = id(column)?;
            if ids.contains(&id) {
                return Err(SqlError::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" is in the sort key twice", column.value),
                ));
            }
            ids.push(id);
        }
        Ok(ids)
    };
    Ok(match spec {
        SortSpec::Auto => SortKey::Auto,
        SortSpec::None => SortKey::None,
        SortSpec::Compound(columns) => SortKey::Compound(ids(columns, MAX_SORT)?),
        SortSpec::Interleaved(columns) => SortKey::Interleaved(ids(columns, MAX_INTERLEAVED)?),
    })
}

/// A reference to a table of the catalog.
pub(super) fn foreign_key(
    table: &lw_sql_syntax::sqlparser::ast::ObjectName,
    referenced: &[Ident],
    width: usize,
    ctx: &PlanContext,
) -> Result<ConstraintKind> {
    let relation = ctx.table(table)?;
    let columns = referenced
        .iter()
        .map(|c| {
            let name = ctx.fold(c);
            relation
                .columns
                .iter()
                .find(|c| c.name == name)
                .map(|c| c.id)
                .ok_or_else(|| {
                    SqlError::new(
                        SqlState::UNDEFINED_COLUMN,
                        format!(
                            "column \"{name}\" referenced in foreign key constraint does not exist"
                        ),
                    )
                })
        })
        .collect::<Result<Vec<_>>>()?;
    let keys = relation.table().map_or(&[][..], |t| &t.constraints);
    resolve_foreign_key(relation.oid, &relation.name, keys, columns, width)
}

fn resolve_foreign_key(
    table: Oid,
    name: &str,
    keys: &[Constraint],
    columns: Vec<u32>,
    width: usize,
) -> Result<ConstraintKind> {
    let columns = if columns.is_empty() {
        keys.iter()
            .find(|k| k.kind == ConstraintKind::PrimaryKey)
            .map(|k| k.columns.clone())
            .ok_or_else(|| {
                SqlError::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("there is no primary key for referenced table \"{name}\""),
                )
            })?
    } else {
        let wanted: HashSet<u32> = columns.iter().copied().collect();
        let matches = keys.iter().any(|k| {
            matches!(k.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique)
                && k.columns.iter().copied().collect::<HashSet<_>>() == wanted
        });
        if !matches {
            return Err(SqlError::new(
                SqlState("42830"),
                format!(
                    "there is no unique constraint matching given keys for referenced table \"{name}\""
                ),
            ));
        }
        columns
    };
    if columns.len() != width {
        return Err(SqlError::new(
            SqlState("42830"),
            "number of referencing and referenced columns for foreign key disagree",
        ));
    }
    Ok(ConstraintKind::ForeignKey { table, columns })
}

/// A new constraint, named as PostgreSQL names one that was given no name.
pub(super) fn new_constraint(
    table: &str,
    columns: &[Column],
    others: &[Constraint],
    name: Option<String>,
    kind: ConstraintKind,
    ids: Vec<u32>,
) -> Result<Constraint> {
    if kind == ConstraintKind::PrimaryKey
        && others.iter().any(|c| c.kind == ConstraintKind::PrimaryKey)
    {
        return Err(SqlError::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!("multiple primary keys for table \"{table}\" are not allowed"),
        ));
    }
    let taken = |name: &str| others.iter().any(|c| c.name == name);
    let name = match name {
        Some(name) if taken(&name) => {
            return Err(SqlError::new(
                SqlState::DUPLICATE_OBJECT,
                format!("constraint \"{name}\" for relation \"{table}\" already exists"),
            ));
        }
        Some(name) => name,
        None => {
            let first = ids
                .first()
                .and_then(|id| columns.iter().find(|c| c.id == *id))
                .map(|c| c.name.as_str())
                .unwrap_or_default();
            let base = match kind {
                ConstraintKind::PrimaryKey => format!("{table}_pkey"),
                ConstraintKind::Unique => format!("{table}_{first}_key"),
                ConstraintKind::ForeignKey { .. } => format!("{table}_{first}_fkey"),
            };
            let mut candidate = base.clone();
            let mut n = 1;
            while taken(&candidate) {
                candidate = format!("{base}{n}");
                n += 1;
            }
            candidate
        }
    };
    Ok(Constraint {
        oid: Oid(0),
        name,
        kind,
        columns: ids,
    })
}
