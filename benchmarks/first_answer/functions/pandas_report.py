"""numpy with pandas: a month's sales by region, with a trend."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

generator = np.random.default_rng()


def lambda_handler(event: dict[str, str], context: object) -> dict[str, object]:  # noqa: ARG001 - what Lambda gives
    """Sum them up."""
    sales = pd.read_csv(io.StringIO(event["csv"]), dtype={"region": "category"})
    table = sales.pivot_table(index="day", columns="region", values="cents", aggfunc="sum", observed=True)
    slope = np.polyfit(table.index, table.sum(axis=1), 1)[0]
    sample = generator.choice(sales["cents"].to_numpy(), 5)
    return {"regions": table.sum().astype(int).to_dict(), "trend": float(slope), "sample": sample.tolist()}


def before_snapshot() -> None:
    """Nothing: there is no connection."""


def after_restore() -> None:
    """Draw other numbers than the other environments."""
    global generator  # noqa: PLW0603
    generator = np.random.default_rng()
