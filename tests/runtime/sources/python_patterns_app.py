"""The function around `python_patterns`."""

import python_patterns  # type: ignore[import-not-found]  # in the same folder


def lambda_handler(event, context):
    return "handled"


python_patterns.load_config = lambda: print("configuration loaded")
python_patterns.prime_dynamodb_connection = lambda: print("DynamoDB primed")
python_patterns.refresh_secrets = lambda: print("secrets refreshed")
