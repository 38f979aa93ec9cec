"""boto3 with a client that has called at import; its upload names come from random."""

from __future__ import annotations

import os
import random
import string

import boto3

s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
s3.create_bucket(Bucket="orders")


def lambda_handler(event: object, context: object) -> dict[str, str]:
    key = "".join(random.choices(string.ascii_lowercase, k=20))
    s3.put_object(Bucket="orders", Key=key, Body=b"1")
    return {"key": key}
