"""The quickstart "AWS Lambda SnapStart Python Runtime Hooks", whose import line names a module that does not exist."""

import os

from snapstart_hooks import register_after_restore, register_before_snapshot

config = None
db_connection = None


def load_config():
    global config
    if config is None:
        config = os.environ.get("MY_APP_CONFIG", "default_config_value")
        print(f"config loaded: {config}")
    return config


def connect_to_db():
    global db_connection
    if db_connection is None:
        db_connection = f"connection to {os.environ.get('DB_HOST', 'localhost')}"
        print(f"connected: {db_connection}")
    return db_connection


@register_before_snapshot
def before_snapshot_hook():
    global db_connection
    print("before_snapshot_hook")
    if db_connection:
        db_connection = None


@register_after_restore
def after_restore_hook():
    print("after_restore_hook")
    load_config()
    connect_to_db()


def lambda_handler(event, context):
    config = load_config()
    db = connect_to_db()
    print(f"handled with {config} and {db}")
    return {"statusCode": 200, "body": "executed"}


if __name__ == "__main__":
    os.environ["MY_APP_CONFIG"] = "local_test_config"
    os.environ["DB_HOST"] = "test_db_instance"

    print("first invocation")
    lambda_handler({}, {})

    print("snapshot and restore, simulated")
    before_snapshot_hook()
    after_restore_hook()

    print("second invocation")
    lambda_handler({}, {})
