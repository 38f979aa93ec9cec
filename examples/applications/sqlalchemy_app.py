"""SQLAlchemy with a pool that was warmed up at import."""

from __future__ import annotations

import os

from sqlalchemy import create_engine, text

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
with engine.connect() as connection:
    connection.execute(text("SELECT 1"))


def lambda_handler(event: object, context: object) -> dict[str, int]:
    with engine.connect() as connection:
        return {"answer": connection.execute(text("SELECT 42")).scalar_one()}
