"""Files receipts: the document in S3, its number in DynamoDB, and a signed request for the accounting service."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import uuid
from typing import TypedDict

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config

from snapstart_hooks import Priority, after_restore, before_snapshot

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
            s3.put_object(Bucket=BUCKET, Key=f"audit/{uuid.uuid4()}.json", Body=json.dumps(self.entries).encode())
            self.entries.clear()


session = boto3.Session(region_name=REGION)
s3 = session.client("s3")
# An amount must not be added twice, so nothing is tried twice.
receipts = session.resource("dynamodb", config=Config(retries={"total_max_attempts": 1})).Table(TABLE)
receipts.load()
audit = AuditTrail()


def open_folder() -> str:
    """Where this environment files what it is given."""
    name = f"{dt.datetime.now(dt.UTC):%Y/%m/%d}/{uuid.uuid4().hex}"
    audit.add("opened", name)
    return name


folder = open_folder()


@before_snapshot
def write_audit_trail() -> None:
    """Or every environment would write the same entries."""
    audit.flush()


@before_snapshot(priority=Priority.CONNECTIONS)
def disconnect() -> None:
    """Clients of boto3 go on after they were closed, with new connections."""
    s3.close()
    receipts.meta.client.close()


@after_restore
def start_anew() -> None:
    """File into a folder of today, and of our own."""
    global folder  # noqa: PLW0603
    folder = open_folder()


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
    key = f"{folder}/{number}.json"
    receipts.update_item(
        Key={"id": number},
        UpdateExpression="SET document = :key ADD cents :cents",
        ExpressionAttributeValues={":key": key, ":cents": event["cents"]},
    )
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(event).encode())
    audit.add("filed", number)
    return {"number": number, "key": key, "authorization": sign(number)}
