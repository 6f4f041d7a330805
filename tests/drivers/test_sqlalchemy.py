"""SQLAlchemy with sqlalchemy-redshift, over psycopg2 and over redshift_connector."""

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base


@pytest.fixture(params=["psycopg2", "redshift_connector"])
def engine(server, monkeypatch, request):
    monkeypatch.setenv("SSL_CERT_FILE", server.ca)
    url = sa.engine.URL.create(
        f"redshift+{request.param}",
        username=server.user,
        password=server.password,
        host=server.host,
        port=server.port,
        database=server.database,
    )
    arguments = {"sslmode": "verify-full", "sslrootcert": server.ca} if request.param == "psycopg2" else {}
    engine = sa.create_engine(url, connect_args=arguments)
    yield engine
    engine.dispose()


def test_create_insert_reflect(engine, table):
    metadata = sa.MetaData()
    made = sa.Table(
        table,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("price", sa.Numeric(10, 2)),
        sa.Column("day", sa.Date),
        redshift_distkey="id",
        redshift_sortkey="day",
    )
    metadata.create_all(engine)
    rows = [
        {"id": 1, "name": "one", "price": Decimal("1.50"), "day": dt.date(2020, 1, 1)},
        {"id": 2, "name": "two", "price": None, "day": None},
    ]
    with engine.begin() as connection:
        connection.execute(made.insert(), rows)
    with engine.connect() as connection:
        got = connection.execute(sa.select(made).order_by(made.c.id)).mappings().all()
        assert [dict(r) for r in got] == rows
    inspector = sa.inspect(engine)
    assert table in inspector.get_table_names(schema="public")
    columns = {c["name"]: c for c in inspector.get_columns(table, schema="public")}
    assert list(columns) == ["id", "name", "price", "day"]
    assert columns["name"]["type"].length == 40 and columns["name"]["nullable"] is False
    assert (columns["price"]["type"].precision, columns["price"]["type"].scale) == (10, 2)
    reflected = sa.Table(table, sa.MetaData(), autoload_with=engine)
    assert [c.name for c in reflected.columns] == ["id", "name", "price", "day"]
    assert inspector.get_pk_constraint(table, schema="public")["constrained_columns"] == ["id"]
    metadata.drop_all(engine)
    assert not sa.inspect(engine).has_table(table)


def test_orm_and_rollback(engine, table):
    Base = declarative_base()

    class Item(Base):
        __tablename__ = table
        id = sa.Column(sa.Integer, primary_key=True, autoincrement=False)
        name = sa.Column(sa.String(40))

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Item(id=1, name="a"), Item(id=2, name="b")])
        session.commit()
        session.get(Item, 1).name = "changed"
        session.rollback()
        assert session.get(Item, 1).name == "a"
        session.get(Item, 2).name = "kept"
        session.commit()
        assert session.scalars(sa.select(Item.name).order_by(Item.id)).all() == ["a", "kept"]
        with pytest.raises(sa.exc.ProgrammingError):
            session.execute(sa.text("select * from nosuch_table"))
        session.rollback()
        assert session.scalar(sa.select(sa.func.count()).select_from(Item)) == 2
    Base.metadata.drop_all(engine)
