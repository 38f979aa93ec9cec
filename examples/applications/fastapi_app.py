"""A FastAPI application behind Mangum, with an order number and a request id as people make them."""

from __future__ import annotations

import random
import uuid

from fastapi import FastAPI
from mangum import Mangum

app = FastAPI()
INSTANCE = uuid.uuid4().hex


@app.post("/orders")
def order() -> dict[str, str]:
    return {"order": f"{random.getrandbits(64):016x}", "instance": INSTANCE}


lambda_handler = Mangum(app, lifespan="auto")
