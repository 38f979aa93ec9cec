"""Files receipts: the document in S3, its number in DynamoDB, and a signed request for the accounting service."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, TypedDict

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config

from snapstart_hooks.resources import PerRestore, resource

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = os.environ.get("AWS_REGION", "us-east-1")
ACCOUNTING = "https://accounting.internal.example/receipts"
BUCKET = os.environ.get("RECEIPTS_BUCKET", "receipts")
TABLE = os.environ.get("RECEIPTS_TABLE", "receipts")


class Payment(TypedDict):
    """What was paid."""

    customer: str
    cents: int


class Filed(TypedDict):
    """Where the receipt is."""

    number: str
    key: str
    authorization: str


class AuditTrail:
    """Collects what happened, and writes it to S3 in batches."""

    def __init__(self, size: int = 25) -> None:
        self.size = size
        self.entries: list[dict[str, str]] = []

    def add(self, action: str, subject: str) -> None:
        """Remember something."""
        self.entries.append({"action": action, "subject": subject, "at": dt.datetime.now(dt.UTC).isoformat()})
        if len(self.entries) >= self.size:
            self.flush()

    def flush(self) -> None:
        """Write what there is."""
        if self.entries:
            s3().put_object(Bucket=BUCKET, Key=f"audit/{uuid.uuid4()}.json", Body=json.dumps(self.entries).encode())
            self.entries.clear()


session = boto3.Session(region_name=REGION)
s3 = resource(lambda: closing(session.client("s3")))
# An amount must not be added twice, so nothing is tried twice.
dynamodb = resource(lambda: closing(session.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))))
dynamodb().describe_table(TableName=TABLE)

folder = PerRestore(lambda: f"{dt.datetime.now(dt.UTC):%Y/%m/%d}/{uuid.uuid4().hex}")


@resource
def audit() -> Iterator[AuditTrail]:
    """Written in the end, too."""
    trail = AuditTrail()
    trail.add("opened", folder())
    yield trail
    trail.flush()


def new_number() -> str:
    """Twelve digits, as accounting wants them."""
    return f"{secrets.randbelow(10**12):012}"


def sign(filed: str) -> str:
    """The header with which accounting believes us."""
    request = AWSRequest("POST", ACCOUNTING, data=filed)
    # The session renews what expires; frozen ones are for one request.
    SigV4Auth(session.get_credentials().get_frozen_credentials(), "execute-api", REGION).add_auth(request)
    return str(request.headers["Authorization"])


def lambda_handler(event: Payment, context: object) -> Filed:
    """File one receipt."""
    number = new_number()
    key = f"{folder()}/{number}.json"
    dynamodb().update_item(
        TableName=TABLE,
        Key={"id": {"S": number}},
        UpdateExpression="SET document = :key ADD cents :cents",
        ExpressionAttributeValues={":key": {"S": key}, ":cents": {"N": str(event["cents"])}},
    )
    s3().put_object(Bucket=BUCKET, Key=key, Body=json.dumps(event).encode())
    audit().add("filed", number)
    return {"number": number, "key": key, "authorization": sign(number)}
