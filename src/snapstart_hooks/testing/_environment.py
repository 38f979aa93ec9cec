"""The environment variables of a function under SnapStart, as Lambda sets them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("CREDENTIALS_TOKEN", "CREDENTIALS_URI", "function_arn", "lambda_environment")

CREDENTIALS_URI: Final = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
CREDENTIALS_TOKEN: Final = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 - the name of a variable

_NOT_THERE: Final = (
    # A function under SnapStart gets its credentials from an endpoint ...
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
_NO_FILES: Final = {"AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_CONFIG_FILE": os.devnull}
# ... and has no log group or stream.
_NO_LOGS: Final = ("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "_LAMBDA_TELEMETRY_LOG_FD")

_DEFAULT_REGION: Final = "us-east-1"
_ACCOUNT: Final = "123456789012"
_CLOSED: Final = "127.0.0.1:9"
"""The Runtime API's address: code asks whether it is set; nothing listens there."""


def lambda_environment(
    handler: str, *, credentials_uri: str | None, token: str, extra: Mapping[str, str | None], task_root: str
) -> dict[str, str]:
    """The whole environment for a function's process; without an endpoint it has the caller's credentials."""
    env = dict(os.environ)
    for name in _NO_LOGS:
        env.pop(name, None)
    if credentials_uri is not None:
        for name in _NOT_THERE:
            env.pop(name, None)
        env |= _NO_FILES
        env[CREDENTIALS_URI] = credentials_uri
        env[CREDENTIALS_TOKEN] = token
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or _DEFAULT_REGION
    name = handler.partition(".")[0].rpartition("/")[2].lstrip("_") or "function"
    env |= {
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "AWS_LAMBDA_FUNCTION_NAME": env.get("AWS_LAMBDA_FUNCTION_NAME", name),
        "AWS_LAMBDA_FUNCTION_VERSION": env.get("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_RUNTIME_API": _CLOSED,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "LAMBDA_TASK_ROOT": task_root,
        "_HANDLER": handler,
        "TZ": ":UTC",
    }
    for variable, value in extra.items():
        if value is None:
            env.pop(variable, None)
        else:
            env[variable] = value
    return env


def function_arn(environment: Mapping[str, str]) -> str:
    """The ARN in the context of an invocation."""
    region = environment.get("AWS_REGION", _DEFAULT_REGION)
    name = environment.get("AWS_LAMBDA_FUNCTION_NAME", "function")
    version = environment.get("AWS_LAMBDA_FUNCTION_VERSION", "1")
    return f"arn:aws:lambda:{region}:{_ACCOUNT}:function:{name}:{version}"
