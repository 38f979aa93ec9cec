"""Asks a MariaDB through PyMySQL, alone and behind others, with what was connected before the snapshot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import peewee
import pymysql
import sqlalchemy

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime

if TYPE_CHECKING:
    from collections.abc import Callable

HOST, PORT = os.environ["MARIADB_HOST"], int(os.environ["MARIADB_PORT"])
SERVER = {"host": HOST, "port": PORT, "user": "root", "read_timeout": 30}

with pymysql.connect(**SERVER) as first, first.cursor() as cursor:
    cursor.execute("create database if not exists shop")
    cursor.execute("create table if not exists shop.orders (id int primary key)")

connection = pymysql.connect(**SERVER)
connection.select_db("shop")
busy = pymysql.connect(**SERVER, database="shop")
closed = pymysql.connect(**SERVER)
engine = sqlalchemy.create_engine(f"mysql+pymysql://root@{HOST}:{PORT}/shop?read_timeout=30")
database = peewee.MySQLDatabase("shop", **SERVER)


def of_connection(connection: pymysql.Connection) -> object:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from orders")  # the database that was selected is again
        return cursor.fetchone()


def of_engine() -> object:
    with engine.connect() as connection:
        return connection.scalar(sqlalchemy.text("select 1"))


QUESTIONS: dict[str, Callable[[], object]] = {
    "pymysql": lambda: of_connection(connection),
    "sqlalchemy": of_engine,
    "peewee": lambda: database.execute_sql("select 1").fetchone(),
}
for ask in QUESTIONS.values():
    ask()
connection.rollback()
with busy.cursor() as cursor:
    cursor.execute("insert into orders values (1)")  # and no commit
closed.close()


def lambda_handler(event: list[str] | None, context: object) -> dict[str, object]:
    """Ask all of them once, or those that are named, and tell what came of it."""
    asked = {**QUESTIONS, "busy": lambda: of_connection(busy), "closed for good": lambda: of_connection(closed)}
    return {name: answer(ask) for name, ask in asked.items() if not event or name in event}


def answer(ask: Callable[[], object]) -> str:
    """What came of it, or the kind of the error."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - what is dead fails in many ways
        return type(error).__name__
    return "fine"
