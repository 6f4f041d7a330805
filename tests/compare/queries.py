"""Random queries in the part of SQL that Redshift and DuckDB understand alike.

Left out on purpose, because the two differ by design: division of whole numbers, AVG, texts longer than
their type, LIMIT without a total order, arithmetic that may overflow.
"""

from dataclasses import dataclass

TABLES = {
    # name: (columns of DDL for both, what only Redshift has, rows)
    "none": ("", 0),
    "one": ("diststyle all", 1),
    "few": ("diststyle even", 9),
    "sixty": ("distkey(a) sortkey(d)", 60),
    "many": ("distkey(b) compound sortkey(a, b)", 4000),
    "more": ("diststyle key distkey(a) interleaved sortkey(b, d)", 2500),
}
COLUMNS = {"a": "int", "b": "int", "c": "num", "s": "str", "d": "date", "f": "bool"}
DDL = "a int, b int, c decimal(8,2), s varchar(12), d date, f boolean"
WORDS = ["", "a", "ab", "abc", "b", "B", "zeta", "é", "a b", "%", "_x"]


def row(rng, spread):
    """A row of the tables; every column is NULL now and then."""

    def maybe(value):
        return None if rng.random() < 0.15 else value

    return (
        maybe(rng.randrange(-3, spread)),
        maybe(rng.randrange(0, 12)),
        maybe(rng.randrange(-2000, 2000) / 100),
        maybe(rng.choice(WORDS)),
        maybe(f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"),
        maybe(rng.random() < 0.5),
    )


@dataclass
class Source:
    """A relation of a FROM clause: its name there, and its columns with their kinds."""

    name: str
    columns: list


class Generator:
    def __init__(self, rng):
        self.rng = rng
        self.names = 0

    def name(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    def pick(self, *choices):
        return self.rng.choice(choices)

    def chance(self, p):
        return self.rng.random() < p

    # --- expressions -------------------------------------------------------------------------------

    def column(self, kind, scope):
        found = [f"{s.name}.{c}" for s in scope for c, k in s.columns if k == kind]
        return self.rng.choice(found) if found else None

    def expr(self, kind, scope, depth):
        column = self.column(kind, scope)
        if column and (depth <= 0 or self.chance(0.4)):
            return column
        if depth <= 0:
            return self.literal(kind)
        return getattr(self, f"{kind}_expr")(scope, depth - 1)

    def literal(self, kind):
        if self.chance(0.06):
            return {
                "int": "cast(null as int)",
                "num": "cast(null as decimal(8,2))",
                "str": "cast(null as varchar(12))",
                "date": "cast(null as date)",
                "bool": "cast(null as boolean)",
            }[kind]
        if kind == "int":
            return str(self.rng.randrange(-3, 14))
        if kind == "num":
            return f"{self.rng.randrange(-500, 500) / 100:.2f}"
        if kind == "str":
            return "'" + self.rng.choice(WORDS) + "'"
        if kind == "date":
            return f"date '2024-{self.rng.randrange(1, 13):02}-{self.rng.randrange(1, 29):02}'"
        return self.pick("true", "false")

    def case(self, kind, scope, depth):
        otherwise = f" else {self.expr(kind, scope, depth)}" if self.chance(0.7) else ""
        return f"case when {self.expr('bool', scope, depth)} then {self.expr(kind, scope, depth)}{otherwise} end"

    def common(self, kind, scope, depth):
        """What every kind has."""
        e = lambda: self.expr(kind, scope, depth)  # noqa: E731
        return self.pick(
            lambda: self.case(kind, scope, depth),
            lambda: f"coalesce({e()}, {e()})",
            lambda: f"nullif({e()}, {e()})",
            lambda: f"greatest({e()}, {e()})" if kind not in ("bool",) else f"coalesce({e()}, {e()})",
            lambda: self.scalar(kind, scope),
        )()

    def int_expr(self, scope, depth):
        e = lambda: self.expr("int", scope, depth)  # noqa: E731
        return self.pick(
            lambda: f"({e()} + {e()})",
            lambda: f"({e()} - {e()})",
            lambda: f"({e()} * {self.rng.randrange(-2, 4)})",
            lambda: f"abs({e()})",
            lambda: f"mod({e()}, {self.rng.randrange(2, 6)})",
            lambda: f"length({self.expr('str', scope, depth)})",
            lambda: f"cast(extract(month from {self.expr('date', scope, depth)}) as int)",
            lambda: f"({self.expr('date', scope, depth)} - {self.expr('date', scope, depth)})",
            lambda: self.common("int", scope, depth),
        )()

    def num_expr(self, scope, depth):
        e = lambda: self.expr("num", scope, depth)  # noqa: E731
        return self.pick(
            lambda: f"({e()} + {e()})",
            lambda: f"({e()} - {self.expr('int', scope, depth)})",
            lambda: f"({e()} * {self.rng.randrange(-2, 4)})",
            lambda: f"abs({e()})",
            lambda: f"cast({self.expr('int', scope, depth)} as decimal(12,2))",
            lambda: self.common("num", scope, depth),
        )()

    def str_expr(self, scope, depth):
        e = lambda: self.expr("str", scope, depth)  # noqa: E731
        return self.pick(
            lambda: f"({e()} || {e()})",
            lambda: f"upper({e()})",
            lambda: f"lower({e()})",
            lambda: f"substring({e()}, {self.rng.randrange(1, 4)}, {self.rng.randrange(0, 3)})",
            lambda: f"replace({e()}, 'a', 'xy')",
            lambda: f"trim({e()})",
            lambda: f"cast({self.expr('int', scope, depth)} as varchar(12))",
            lambda: self.common("str", scope, depth),
        )()

    def date_expr(self, scope, depth):
        e = lambda: self.expr("date", scope, depth)  # noqa: E731
        return self.pick(
            lambda: f"({e()} + {self.rng.randrange(-40, 40)})",
            lambda: f"cast(date_trunc('{self.pick('month', 'year', 'quarter')}', {e()}) as date)",
            lambda: self.common("date", scope, depth),
        )()

    def bool_expr(self, scope, depth):
        kind = self.pick("int", "int", "num", "str", "date")
        e = lambda: self.expr(kind, scope, depth)  # noqa: E731
        b = lambda: self.expr("bool", scope, depth)  # noqa: E731
        return self.pick(
            lambda: f"({e()} {self.pick('=', '=', '<', '<=', '>', '>=', '<>')} {e()})",
            lambda: f"({e()} {self.pick('=', '=', '<', '<=', '>', '>=', '<>')} {e()})",
            lambda: f"({e()} between {e()} and {e()})",
            lambda: f"({e()} {self.pick('in', 'not in')} ({', '.join(self.literal(kind) for _ in range(3))}))",
            lambda: f"({e()} {self.pick('is null', 'is not null')})",
            lambda: f"({b()} and {b()})",
            lambda: f"({b()} or {b()})",
            lambda: f"(not {b()})",
            lambda: f"({self.expr('str', scope, depth)} {self.pick('like', 'not like')} "
            f"'{self.pick('a%', '%b', '_b%', '%', 'a_', 'é')}')",
            lambda: self.membership(scope, depth),
            lambda: self.existence(scope, depth),
        )()

    # --- subqueries --------------------------------------------------------------------------------

    def correlation(self, inner, scope):
        """A condition that ties a subquery to the row around it, or none."""
        if not self.chance(0.6):
            return None
        kind = self.pick("int", "int", "str", "date")
        left, right = self.column(kind, [inner]), self.column(kind, scope)
        return f"{left} = {right}" if left and right else None

    def where(self, *conditions):
        kept = [c for c in conditions if c]
        return f" where {' and '.join(kept)}" if kept else ""

    def scalar(self, kind, scope):
        inner = self.table()
        column = self.column(kind, [inner[1]])
        if not column:
            return self.literal(kind)
        function = self.pick("min", "max") if kind != "bool" else "bool_or"
        tie = self.correlation(inner[1], scope)
        own = self.expr("bool", [inner[1]], 1) if self.chance(0.4) else None
        return f"(select {function}({column}) from {inner[0]}{self.where(tie, own)})"

    def membership(self, scope, depth):
        inner = self.table()
        kind = self.pick("int", "str", "date")
        own = self.expr("bool", [inner[1]], 1) if self.chance(0.5) else None
        tie = self.correlation(inner[1], scope) if self.chance(0.3) else None
        return (
            f"({self.expr(kind, scope, depth - 1)} {self.pick('in', 'in', 'not in')} "
            f"(select {self.column(kind, [inner[1]])} from {inner[0]}{self.where(tie, own)}))"
        )

    def existence(self, scope, depth):
        inner = self.table()
        tie = self.correlation(inner[1], scope)
        own = self.expr("bool", [inner[1]], 1) if self.chance(0.5) else None
        return f"({self.pick('', 'not ')}exists (select 1 from {inner[0]}{self.where(tie, own)}))"

    # --- FROM --------------------------------------------------------------------------------------

    def table(self, small=False):
        choices = ["none", "one", "few", "sixty"] if small else list(TABLES)
        table = self.rng.choice(choices)
        alias = self.name("t")
        return f"{table} {alias}", Source(alias, list(COLUMNS.items()))

    def relation(self, depth, small):
        if depth > 0 and self.chance(0.25):
            alias = self.name("q")
            text, columns = self.select(depth - 1, small=small)
            return f"({text}) {alias}", Source(alias, columns)
        return self.table(small)

    def from_clause(self, depth, small):
        text, source = self.relation(depth, small)
        scope = [source]
        for _ in range(self.rng.choice([0, 0, 1, 1, 2, 3])):
            other, source = self.relation(depth - 1, small)
            if self.chance(0.1):
                # Without a condition only where both sides are small.
                if small:
                    text += f" cross join {other}"
                    scope.append(source)
                continue
            kind = self.pick("int", "int", "str", "date")
            left, right = self.column(kind, scope), self.column(kind, [source])
            if not left or not right:
                continue
            on = f"{left} = {right}"
            # Few keys repeat thousands of times: a second equality keeps large joins from exploding.
            if not small:
                more = self.column("int", scope), self.column("int", [source])
                on += f" and {more[0]} = {more[1]}" if all(more) else ""
                second = self.column("date", scope), self.column("date", [source])
                on += f" and {second[0]} = {second[1]}" if all(second) else ""
            if self.chance(0.3):
                on += f" and {self.expr('bool', scope + [source], 1)}"
            how = self.pick("join", "join", "left join", "right join", "full join")
            if how == "full join" and "exists" in on or " in (select" in on or "(select" in on:
                # Neither engine takes subqueries in the condition of an outer join.
                how, on = "join", f"{left} = {right}" + (f" and {more[0]} = {more[1]}" if not small and all(more) else "")
            text += f" {how} {other} on {on}"
            scope.append(source)
        return text, scope

    # --- queries -----------------------------------------------------------------------------------

    def kinds(self):
        return [self.pick(*COLUMNS.values()) for _ in range(self.rng.randrange(1, 5))]

    def select(self, depth, kinds=None, small=None):
        """A SELECT and the columns it gives."""
        small = self.chance(0.6) if small is None else small
        kinds = kinds or self.kinds()
        text, scope = self.from_clause(depth, small)
        names = [self.name("c") for _ in kinds]
        where = self.where(self.expr("bool", scope, depth) if self.chance(0.6) else None)
        if self.chance(0.35):
            return self.grouped(text, scope, where, kinds, names, depth), list(zip(names, kinds))
        items = [self.expr(k, scope, depth) for k in kinds]
        if self.chance(0.15):
            items = [self.window(k, scope) or i for i, k in zip(items, kinds)]
        distinct = "distinct " if self.chance(0.15) else ""
        listed = ", ".join(f"{i} as {n}" for i, n in zip(items, names))
        return f"select {distinct}{listed} from {text}{where}", list(zip(names, kinds))

    def grouped(self, text, scope, where, kinds, names, depth):
        keys = [self.expr(self.pick("int", "str", "bool", "date"), scope, 1) for _ in range(self.rng.randrange(0, 3))]
        # A constant in GROUP BY would be a position.
        # A key twice in CUBE is beyond the engine.
        keys = list(dict.fromkeys(k for k in keys if "." in k and "(select" not in k))
        items = []
        for kind in kinds:
            items.append(self.aggregate(kind, scope))
        listed = ", ".join(f"{i} as {n}" for i, n in zip(items, names))
        group = ""
        if keys:
            form = self.pick("{}", "{}", "{}", "rollup ({})", "cube ({})", "grouping sets (({}), ())")
            group = " group by " + form.format(", ".join(keys))
        having = f" having {self.aggregate('int', scope)} > {self.rng.randrange(0, 4)}" if self.chance(0.2) else ""
        return f"select {listed} from {text}{where}{group}{having}"

    def aggregate(self, kind, scope):
        of = self.expr(kind, scope, 1)
        while "(select" in of:
            of = self.column(kind, scope) or self.literal(kind)
        if kind == "bool":
            return f"{self.pick('bool_and', 'bool_or')}({of})"
        if kind == "int":
            other = self.expr(self.pick("str", "date", "num"), scope, 0)
            return self.pick("count(*)", f"count({of})", f"count(distinct {other})", f"cast(sum({of}) as int)", f"max({of})")
        if kind == "num":
            return self.pick(f"cast(sum({of}) as decimal(12,2))", f"min({of})", f"max({of})")
        return f"{self.pick('min', 'max')}({of})"

    def window(self, kind, scope):
        """A window function whose value does not depend on the order of ties."""
        if kind not in ("int", "num"):
            return None
        part = self.column(self.pick("int", "str", "bool"), scope)
        order = self.column(self.pick("int", "date", "num"), scope)
        if not part or not order:
            return None
        of = self.column(kind, scope) or self.literal(kind)
        over = f"over (partition by {part} order by {order})"
        if kind == "int":
            return self.pick(
                f"rank() {over}",
                f"dense_rank() {over}",
                f"cast(sum({of}) over (partition by {part}) as int)",
                f"count(*) {over.replace(')', ' range between unbounded preceding and current row)')}",
            )
        return f"max({of}) over (partition by {part})"

    def query(self):
        """A whole statement, and whether the order of its rows counts."""
        self.names = 0
        depth = self.rng.choice([1, 2, 2, 3])
        if self.chance(0.15):
            kinds = self.kinds()
            text, columns = self.select(depth, kinds)
            for _ in range(self.rng.randrange(1, 3)):
                other, _ = self.select(depth - 1, kinds)
                text += f" {self.pick('union', 'union all', 'intersect', 'except')} {other}"
        elif self.chance(0.15):
            inner, columns = self.select(depth)
            name = self.name("w")
            source = Source(self.name("x"), columns)
            twice = Source(self.name("y"), columns)
            kind = columns[0]
            items = f"{source.name}.{kind[0]} as r1, {twice.name}.{columns[-1][0]} as r2"
            text = (
                f"with {name} as ({inner}) select distinct {items} from {name} {source.name} "
                f"join {name} {twice.name} on {source.name}.{kind[0]} = {twice.name}.{kind[0]}"
            )
            columns = [("r1", kind[1]), ("r2", columns[-1][1])]
        else:
            text, columns = self.select(depth)
        if self.chance(0.3):
            order = ", ".join(f"{n + 1}{self.pick('', ' desc')}" for n in range(len(columns)))
            limit = f" limit {self.rng.randrange(0, 20)}" if self.chance(0.6) else ""
            offset = f" offset {self.rng.randrange(0, 5)}" if limit and self.chance(0.3) else ""
            return f"select * from ({text}) z order by {order}{limit}{offset}"
        return text
