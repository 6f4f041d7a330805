//! What parses, into what, and what the errors say.

use crate::ast::*;
use crate::{Statement, parse};

fn one(sql: &str) -> Statement {
    let mut all = parse(sql).unwrap_or_else(|e| panic!("{sql}\n  {e} at {:?}", e.position));
    assert_eq!(all.len(), 1, "{sql}");
    all.remove(0).statement
}

fn all(texts: &[&str]) {
    let failures: Vec<String> = texts
        .iter()
        .filter_map(|sql| parse(sql).err().map(|e| format!("{sql}\n    {e:?}")))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn error(sql: &str) -> (String, &'static str, Option<u32>) {
    match parse(sql) {
        Ok(_) => panic!("parses: {sql}"),
        Err(e) => (e.message, e.state.0, e.position),
    }
}

fn syntax(sql: &str, message: &str, position: u32) {
    assert_eq!(
        error(sql),
        (message.to_string(), "42601", Some(position)),
        "{sql}"
    );
}

#[test]
fn texts_are_divided_at_semicolons() {
    let all = parse("  select 1 ;; -- nothing\n select 'a;b'  ; ").unwrap();
    let texts: Vec<(&str, u32)> = all.iter().map(|p| (p.text.as_str(), p.offset)).collect();
    assert_eq!(texts, [("select 1", 2), ("-- nothing\n select 'a;b'", 14)]);
    assert!(parse("").unwrap().is_empty());
    assert!(
        parse(" ; /* a /* nested */ comment */ ;")
            .unwrap()
            .is_empty()
    );
}

#[test]
fn errors_say_where() {
    syntax("selec 1", "syntax error at or near \"selec\"", 1);
    syntax(
        "select 1; select from where",
        "syntax error at or near \"where\"",
        23,
    );
    syntax("select 1 +", "syntax error at end of input", 11);
    syntax("select (1", "syntax error at end of input", 10);
    syntax("select (1;", "syntax error at or near \";\"", 10);
    syntax(
        "select 'abc",
        "unterminated quoted string at or near \"'abc\"",
        8,
    );
    syntax(
        "create table t (a int,\n  b int b)",
        "syntax error at or near \"b\"",
        32,
    );
    syntax("éé; drop table", "syntax error at or near \"éé\"", 1);
    syntax(
        "select 'éé'; drop table",
        "syntax error at end of input",
        24,
    );
    syntax("begin foo", "syntax error at or near \"foo\"", 7);
    syntax("select 1 limit", "syntax error at end of input", 15);
}

#[test]
fn deep_and_long_texts_are_refused() {
    let deep = format!("select {}1{}", "(".repeat(3_000), ")".repeat(3_000));
    assert_eq!(error(&deep).1, "54001");
    let deep = format!("select {}1{}", "(".repeat(300), ")".repeat(300));
    assert_eq!(error(&deep).1, "54001");
    let long = format!("select 1{}", "+1".repeat(100_000));
    assert_eq!(error(&long).1, "54001");
    let casts = "cast(".repeat(150);
    assert_eq!(error(&format!("select {casts}")).1, "42601");
    let cases = "case when ".repeat(150);
    assert_eq!(error(&format!("select {cases}")).1, "42601");
    one(&format!("select 1{}", "+1".repeat(400)));
    let list = (0..50_000).map(|i| i.to_string()).collect::<Vec<_>>();
    one(&format!("select * from t where a in ({})", list.join(",")));
}

/// Texts that must parse: Redshift's own ways of writing.
#[test]
fn queries_parse() {
    all(&[
        "select top 10 a, b from t",
        "select top 5 distinct a from t order by a",
        "select * from t limit all",
        "select * from t limit 10 offset 5",
        "select a from t minus select a from u",
        "select a from t except select a from u union all select 1 intersect select 2",
        "select a, row_number() over (partition by b order by c desc) rn from t qualify rn = 1",
        "select * from t where a ilike 'x%' and b not ilike '_y' escape '^'",
        "select * from t where a similar to '%(b|d)%' or a !~ 'x' or a ~* 'y' or a !~* 'z'",
        "select '1'::int, a::varchar(10)::date, '2020-01-01'::timestamp with time zone",
        "select interval '1 day', interval '1' day, interval '1 day 2 hours', interval '2' year",
        "select getdate(), sysdate, current_date, current_timestamp, current_user, session_user, user",
        "select current_date - 1, trunc(sysdate), a - interval '3 months' from t",
        "select approximate count(distinct a), count(distinct b), approximate percentile_disc(0.5) within group (order by a) from t",
        "select listagg(a, ', ') within group (order by b) from t",
        "select listagg(distinct a, ', ') within group (order by b) over (partition by c) from t",
        "select convert(integer, '12'), convert(varchar(10), 5)",
        "select dateadd(day, 1, d), datediff(week, d, e), date_part(dow, d), dateadd('month', 1, d) from t",
        "select extract(epoch from d), extract('year' from d), extract(dayofweek from d) from t",
        r"select 'it\'s', 'a\\b', E'x\ny', 'it''s'",
        "select $$dollar 'quoted'$$",
        "select * from a left outer join b on a.x = b.x full join c using (x) cross join d natural join e",
        "select * from a, b where a.x = b.x(+)",
        "select a, count(*) from t group by 1 having count(*) > 1 order by 2 desc nulls last, 1",
        "select a, b, sum(c) from t group by grouping sets ((a), (b), ()), rollup(a, b), cube(a)",
        "with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r",
        "with a as (select 1), b as (select * from a) select * from b",
        "select case when a = 1 then 'x' else 'y' end, case a when 1 then 2 end, nvl(a, b), nvl2(a, b, c), decode(a, 1, 2, 3) from t",
        "select a between 1 and 2, a not in (1, 2), exists (select 1), a is not null, a is true, not a is unknown from t",
        "select lag(a ignore nulls) over (order by b), first_value(a) ignore nulls over (order by b rows between unbounded preceding and current row) from t",
        "select a.*, b.c as \"C d\", 'x' as y from a, b as b",
        "select * exclude (a) from t",
        "select -1, +2, 2 ^ 3, 7 % 2, a || b, ~ 5, 5 & 3, 5 | 3, 1 << 2, @ -5, |/ 25.0, ||/ 27.0",
        "select cast(a as decimal(12,2)), cast(b as char(3)), cast(c as varchar(max)), cast(d as double precision), cast(e as timestamptz), cast(f as varbyte), cast(g as float8) from t",
        "select trim(both 'x' from a), substring(a from 2 for 3), substring(a, 2), position('a' in b), overlay(a placing b from 1) from t",
        "select date '2020-01-01', timestamp '2020-01-01 00:00:00', timestamptz '2020-01-01', time '10:00'",
        "values (1, 'a'), (2, 'b')",
        "(select 1) union (select 2) order by 1 limit 1",
        "select * from (values (1, 2)) as v(a, b)",
        "select * from (select 1 as a) where a = 1",
        "select * from t1 join (t2 join t3 on t2.a = t3.a) on t1.a = t2.a",
        "select \"Select\" from \"My Table\"",
        "select $1, $2::int from t where a = $3",
        "select t.a at time zone 'UTC', convert_timezone('UTC', b) from t",
        "select a from db.s.t x where (a, b) in (select 1, 2) and (a, b) = (1, 2)",
        "select a from t where a = any (select 1) or a > all (select 2) or a = any(array[1,2])",
        "select percentile_cont(0.5) within group (order by a) over (partition by b), median(a), ratio_to_report(a) over (partition by b) from t",
        "select pivoted.* from (select a, b from t) pivot (count(b) for a in ('x', 'y')) as pivoted",
        "select 1 as one, 2 two, 3 as \"three\" from t t1 -- comment",
        "select a from t where b like 'a\\\\_%' escape '\\\\'",
        "select * from #temp where a = 1",
        "select pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute a where a.attrelid = 'x'::regclass",
        "select c.relname from pg_catalog.pg_class c where c.relname OPERATOR(pg_catalog.~) '^(t)$'",
        "select (current_schemas(false))[s.r] from generate_series(1, array_upper(current_schemas(false), 1)) as s(r)",
        "select count(*) from t where ts > '2020-01-01' and extract(hour from ts) = 5",
        "select max(case when a then 1 else 0 end) as x from t as \"T\" where upper(a) = 'X';",
        "table t",
        "select distinct on_time from t",
        "select len(a), strpos(a, 'b'), charindex('b', a), left(a, 2), right(a, 3), lpad(a, 5, '0') from t",
        "select date_trunc('month', a)::date as month, year, day from t where month = 1",
        "select json_extract_path_text(a, 'b'), json_serialize(a) from t",
        "select a.b.c from t a",
        "select 1::numeric(38,0) + .5 + 1e10 + 1.",
        "select nullif(a, ''), coalesce(a, b), greatest(a, b), least(1, 2) from t",
        "select rank() over w, sum(a) over (order by b rows 3 preceding) from t window w as (order by a)",
    ]);
}

#[test]
fn forms_are_put_right() {
    let shown = |sql: &str| match one(sql) {
        Statement::Sql(s) => s.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(shown("select top 3 a from t"), "SELECT a FROM t LIMIT 3");
    assert_eq!(
        shown("select a from t minus select b from u"),
        "SELECT a FROM t EXCEPT SELECT b FROM u"
    );
    assert_eq!(
        shown("select dateadd(Month, 1, d), convert(int, x), sysdate"),
        "SELECT dateadd('month', 1, d), CAST(x AS INT), sysdate()"
    );
    assert_eq!(
        shown("select approximate count(distinct a), approximate count(a)"),
        "SELECT approx_distinct(a), count(a)"
    );
    assert_eq!(shown("delete t where a = 1"), "DELETE FROM t WHERE a = 1");
    assert_eq!(shown("select 2 ^ 3"), "SELECT 2 ^ 3");
}

#[test]
fn dml_parses() {
    all(&[
        "insert into t values (1, 'a', default), (2, 'b', null)",
        "insert into t (a, b) select a, b from u",
        "insert into t (a, b) (select a, b from u)",
        "insert into t default values",
        "insert into s.t with x as (select 1) select * from x",
        "update t set a = 1, b = default where c = 2",
        "update t set a = u.a from u, v where t.b = u.b and u.c = v.c",
        "update t as x set a = x.a + 1",
        "update t x set a = x.a + 1 where x.b in (select 1)",
        "with x as (select 1 as a) update t set a = x.a from x",
        "delete from t",
        "delete t",
        "delete from t where a > 1",
        "delete from t using u where t.a = u.a",
        "delete from t x using u y, v where x.a = y.a",
        "with x as (select 1 as a) delete from t using x where t.a = x.a",
        "merge into t using s on t.a = s.a when matched then update set b = s.b when not matched then insert values (s.a, s.b)",
        "merge into t using s as x on t.a = x.a when matched then delete when not matched then insert (a, b) values (x.a, x.b)",
    ]);
}

#[test]
fn create_table_parses_whole() {
    let Statement::CreateTable(t) = one("create temp table if not exists s.sales (
            id integer identity(1, 2) not null primary key,
            gen bigint generated by default as identity(0, 1),
            name varchar(20) default 'x'||'y' encode lzo collate case_insensitive,
            d date default current_date distkey sortkey,
            ref int references other (id),
            u int null unique,
            constraint pk primary key (id), unique (name, d),
            foreign key (ref) references other (id),
            like parent including defaults
        ) backup no diststyle key distkey (d) compound sortkey (d, id) encode auto")
    else {
        panic!()
    };
    assert!(t.temporary && t.if_not_exists);
    assert_eq!(t.elements.len(), 10);
    let TableElement::Column(name) = &t.elements[2] else {
        panic!()
    };
    assert_eq!(name.default.as_ref().unwrap().text, "'x'||'y'");
    assert_eq!(name.encode.as_deref(), Some("lzo"));
    assert!(name.case_insensitive);
    let TableElement::Column(id) = &t.elements[0] else {
        panic!()
    };
    assert_eq!(id.identity, Some((1, 2, false)));
    assert_eq!(id.not_null, Some(true));
    assert!(id.primary_key);
    assert_eq!(t.attributes.backup, Some(false));
    assert_eq!(t.attributes.diststyle, Some(DistSpec::Key));
    assert!(matches!(&t.attributes.sortkey, Some(SortSpec::Compound(c)) if c.len() == 2));
    assert!(t.attributes.encode_auto);
    assert!(matches!(one("create table #x (a int)"), Statement::CreateTable(t) if t.temporary));
}

#[test]
fn ddl_parses() {
    all(&[
        "create table t (a int) interleaved sortkey (a) diststyle all",
        "create table t (a int) sortkey auto diststyle auto",
        "create local temporary table t (like u)",
        "create table t as select 1 as a",
        "create table t (a, b) diststyle even sortkey (a) as (select 1, 2)",
        "create temp table t backup no distkey (a) as select 1 a union select 2",
        "create table t distkey (a) as with x as (select 1 a) select * from x",
        "alter table t add constraint pk primary key (a)",
        "alter table t add foreign key (a) references u",
        "alter table t add column b int default 5 encode raw not null",
        "alter table t add b varchar(5)",
        "alter table t drop column b cascade",
        "alter table t drop b",
        "alter table t drop constraint pk restrict",
        "alter table t owner to bob",
        "alter table t rename to u",
        "alter table t rename column a to b",
        "alter table t alter column a type varchar(20)",
        "alter table t alter column a encode zstd",
        "alter table t alter column a encode zstd, alter column b encode raw",
        "alter table t alter distkey a",
        "alter table t alter diststyle key distkey a",
        "alter table t alter diststyle even",
        "alter table t alter compound sortkey (a, b)",
        "alter table t alter sortkey none",
        "alter table t alter sortkey (a), alter distkey a",
        "alter table t alter diststyle all, alter sortkey (a)",
        "alter table t alter encode auto",
        "alter table t set schema s",
        "create or replace view v (a, b) as select 1, 2",
        "create view v as select * from s.t with no schema binding",
        "alter view v rename to w",
        "create schema s",
        "create schema if not exists s authorization bob quota 5 gb",
        "create schema authorization bob create table t (a int) create view v as select 1",
        "alter schema s quota unlimited",
        "alter schema s rename to t",
        "create database d with owner = bob connection limit unlimited collate case_insensitive isolation level snapshot",
        "alter database d rename to e",
        "drop table if exists a, s.b cascade",
        "drop view v restrict",
        "drop schema if exists s, t cascade",
        "drop database d",
        "truncate t",
        "truncate table s.t",
        "comment on table t is 'x'",
        "comment on column s.t.a is null",
        "comment on constraint c on t is 'x'",
        "comment on view v is 'x'",
        "comment on database dev is 'x'",
    ]);
    for (sql, what) in [
        (
            "create materialized view v as select 1",
            "CREATE MATERIALIZED VIEW",
        ),
        (
            "create function f() returns int stable as $$ select 1 $$ language sql",
            "CREATE FUNCTION",
        ),
        (
            "create or replace procedure p() as $$ begin end; $$ language plpgsql",
            "CREATE PROCEDURE",
        ),
        (
            "create external schema s from data catalog",
            "CREATE EXTERNAL SCHEMA",
        ),
        ("drop role r", "DROP ROLE"),
        ("call p()", "CALL"),
        ("grant role r to u", "GRANT ROLE"),
        ("copy t from stdin", "COPY FROM STDIN"),
    ] {
        let (message, state, _) = error(sql);
        assert_eq!(
            (message, state),
            (format!("{what} is not supported yet"), "0A000")
        );
    }
}

#[test]
fn view_text_is_that_of_the_query() {
    let Statement::CreateView(v) =
        one("create view v as\n  select 'a' as b -- why\n from t with no schema binding;")
    else {
        panic!()
    };
    assert_eq!(v.text, "select 'a' as b -- why\n from t");
    assert!(v.late_binding);
}

#[test]
fn users_and_privileges_parse() {
    let Statement::CreateUser { options, .. } = one(
        "create user bob with password 'Abcdef12' createdb nocreateuser syslog access unrestricted
         in group a, b valid until '2030-01-01' connection limit 5 session timeout 120",
    ) else {
        panic!()
    };
    assert_eq!(options.password, Some(Some(Secret("Abcdef12".into()))));
    assert_eq!(options.groups.len(), 2);
    assert_eq!(options.connection_limit, Some(Some(5)));
    assert_eq!(format!("{:?}", options.password), "Some(Some(***))");
    all(&[
        "create user bob password disable",
        "create user \"IAM:bob\" password disable",
        "alter user bob password 'x' valid until 'infinity'",
        "alter user bob createdb, createuser",
        "alter user bob rename to rob",
        "alter user bob set search_path to a, b",
        "alter user bob reset search_path",
        "alter user bob reset session timeout",
        "drop user if exists a, b",
        "create group g with user a, b",
        "create group g",
        "alter group g add user c",
        "alter group g rename to h",
        "drop group g",
        "grant select, insert on table t, u to bob with grant option, group g, public",
        "grant all on t to bob",
        "grant all privileges on all tables in schema a, b to group g",
        "grant usage, create on schema s to public",
        "grant create, temp on database d to bob",
        "revoke grant option for select on t from bob cascade",
        "revoke all on schema s from group g",
        "grant drop, alter, truncate on t to bob",
    ]);
    assert_eq!(error("create user bob").1, "42601");
}

#[test]
fn copy_options_have_one_form() {
    let Statement::Copy(c) = one("copy s.t (a, b) from 's3://b/k' iam_role default
        format as csv delimiter as '\\t' quote '%' ignoreheader 1 gzip null as '\\N'
        dateformat 'auto' timeformat as 'epochsecs' maxerror as 5 compupdate off statupdate
        region 'us-east-1' acceptinvchars as '^' manifest")
    else {
        panic!()
    };
    assert_eq!(c.credentials, Some(Credentials::DefaultRole));
    assert_eq!(c.columns.len(), 2);
    let shown: Vec<String> = c.options.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        shown.join(" "),
        "ACCEPTINVCHARS=^ COMPUPDATE=OFF DATEFORMAT=auto DELIMITER=\t FORMAT=CSV GZIP= \
         IGNOREHEADER=1 MANIFEST= MAXERROR=5 NULL=\\N QUOTE=% REGION=us-east-1 STATUPDATE= \
         TIMEFORMAT=epochsecs"
            .replace("\\N", "N")
    );
    let Statement::Copy(c) = one("copy t from 's3://b/k' credentials
        'aws_access_key_id=AK;aws_secret_access_key=SK;token=T' format parquet")
    else {
        panic!()
    };
    assert_eq!(
        c.credentials,
        Some(Credentials::Keys {
            access_key_id: "AK".into(),
            secret_access_key: Secret("SK".into()),
            session_token: Some(Secret("T".into())),
        })
    );
    let Statement::Unload(u) = one("unload ('select * from t where a = ''x''') to 's3://b/p'
        iam_role 'arn:aws:iam::1:role/r' parquet partition by (a, b) include
        maxfilesize 100 mb parallel off allowoverwrite manifest verbose")
    else {
        panic!()
    };
    assert_eq!(u.options["PARTITION BY"], "a,b");
    assert_eq!(u.options["MAXFILESIZE"], "100 MB");
    assert_eq!(u.options["PARALLEL"], "OFF");
    assert_eq!(u.options["MANIFEST"], "VERBOSE");
    one("unload ($$select 'a'$$) to 's3://b/p' access_key_id 'a' secret_access_key 'b' csv header");
    assert_eq!(
        error("copy t from 's3://b/k' iam_role default csv csv").1,
        "42601"
    );
    assert_eq!(
        error("copy t from 's3://b/k' iam_role default header").1,
        "42601"
    );
    assert_eq!(error("copy t from 's3://b/k' access_key_id 'a'").1, "42601");
}

#[test]
fn other_families_parse() {
    let set = |sql: &str| match one(sql) {
        Statement::Set { name, value, local } => (name, value, local),
        other => panic!("{other:?}"),
    };
    let value = |s: &str| Some(s.to_string());
    assert_eq!(set("set a to 5"), ("a".into(), value("5"), false));
    assert_eq!(set("set A = 'Xy'"), ("a".into(), value("Xy"), false));
    assert_eq!(set("set local a = on"), ("a".into(), value("on"), true));
    assert_eq!(set("set session a to default"), ("a".into(), None, false));
    assert_eq!(
        set("set extra_float_digits = -2"),
        ("extra_float_digits".into(), value("-2"), false)
    );
    assert_eq!(
        set("set search_path to '$user', \"A\", public"),
        ("search_path".into(), value("$user, A, public"), false)
    );
    assert_eq!(
        set("set search_path to $user, public"),
        ("search_path".into(), value("$user, public"), false)
    );
    assert_eq!(
        set("set time zone 'Europe/Berlin'"),
        ("timezone".into(), value("Europe/Berlin"), false)
    );
    assert_eq!(
        set("set app.my_var to 'x'"),
        ("app.my_var".into(), value("x"), false)
    );
    assert_eq!(
        set("set DateStyle to ISO, MDY"),
        ("datestyle".into(), value("iso, mdy"), false)
    );
    all(&[
        "begin",
        "begin work",
        "begin transaction isolation level serializable read only",
        "start transaction read write",
        "commit",
        "commit work",
        "end",
        "end transaction",
        "rollback",
        "abort work",
        "lock t",
        "lock table a, s.b",
        "set session authorization bob",
        "set session authorization default",
        "set local session authorization 'bob'",
        "set session characteristics as transaction isolation level snapshot",
        "set session characteristics as transaction read only",
        "reset all",
        "reset a",
        "show all",
        "show search_path",
        "show time zone",
        "show transaction isolation level",
        "use dev",
        "show databases",
        "show databases like $1",
        "show schemas from database dev like '%'",
        "show schemas from database $1",
        "show tables from schema dev.public limit 10",
        "show tables from schema $1.$2 like $3",
        "show columns from table $1.$2.$3",
        "show columns from table dev.public.t like 'a%'",
        "show constraints primary keys from table $1.$2.$3",
        "show constraints foreign keys exported from table a.b.c",
        "show column grants on table $1.$2.$3",
        "show grants on table $1.$2.$3",
        "show procedures from schema $1.$2 like $3",
        "show functions from schema $1.$2",
        "show parameters of function $1.$2.$3($4, $5)",
        "show table s.t",
        "show view v",
        "declare c cursor for select * from t",
        "fetch next from c",
        "fetch all from c",
        "fetch forward 10 from c",
        "fetch forward all from c",
        "fetch 5 in c",
        "close c",
        "prepare p (int, varchar(10)) as select $1, $2",
        "prepare p as insert into t values ($1)",
        "execute p (1, 'a')",
        "execute p",
        "deallocate p",
        "deallocate prepare p",
        "deallocate all",
        "explain select 1",
        "explain verbose delete from t",
        "explain (engine) select 1",
        "explain create table t as select 1",
        "cancel 123",
        "cancel 123 'why'",
        "vacuum",
        "vacuum t",
        "vacuum full s.t to 90 percent boost",
        "vacuum sort only t",
        "vacuum delete only t to 75 percent",
        "vacuum reindex t",
        "vacuum recluster t",
        "vacuum boost",
        "analyze",
        "analyze verbose",
        "analyze t",
        "analyze t (a, b)",
        "analyze t predicate columns",
        "analyze all columns",
        "analyze compression t comprows 1000",
    ]);
    let Statement::ShowObjects(s) = one("show tables from schema $1.x like $2") else {
        panic!()
    };
    assert_eq!(s.kind, ShowKind::Tables);
    assert_eq!(s.from.len(), 2);
    assert_eq!(s.from[0], NamePart::Parameter(1));
    assert_eq!(s.like, Some(LikePattern::Parameter(2)));
}

#[test]
fn select_into_is_create_table_as() {
    let Statement::CreateTableAs(c) = one("select a into temp x from t where b = 1") else {
        panic!()
    };
    assert!(c.temporary && c.select_into);
    assert_eq!(c.query.to_string(), "SELECT a FROM t WHERE b = 1");
    let Statement::CreateTableAs(c) = one("select * into #x from t") else {
        panic!()
    };
    assert!(c.temporary);
}

#[test]
fn defaults_keep_their_text() {
    for (sql, text) in [
        (
            "alter table t add column e varchar(5) default 'new' not null",
            "'new'",
        ),
        (
            "alter table t add column e varchar(5) default 'new' null",
            "'new'",
        ),
        ("alter table t add column e int default -1 encode raw", "-1"),
        (
            "alter table t add column e timestamp default getdate()",
            "getdate()",
        ),
        (
            "alter table t add column e date default current_date not null",
            "current_date",
        ),
    ] {
        let Statement::AlterTable(alter) = one(sql) else {
            panic!()
        };
        let AlterAction::AddColumn(column) = alter.action else {
            panic!()
        };
        let default = column.default.unwrap();
        assert_eq!(default.text, text, "{sql}");
        assert!(crate::parse_expression(&default.text).is_ok());
    }
}
