from collections.abc import Iterable, Mapping
from typing import TypeVar, overload

W3C_ALLOWED_FIELDS: tuple[str, ...]

# The second argument of every handler. The environment variables that the attributes come
# from may be missing: AWS_LAMBDA_LOG_GROUP_NAME and _LOG_STREAM_NAME are under SnapStart.
class LambdaContext:
    aws_request_id: str
    log_group_name: str | None
    log_stream_name: str | None
    function_name: str | None
    memory_limit_in_mb: str | None
    function_version: str | None
    invoked_function_arn: str | None
    tenant_id: str | None
    client_context: ClientContext | None
    identity: CognitoIdentity
    def __init__(
        self,
        invoke_id: str,
        client_context: dict[str, object] | None,
        cognito_identity: Mapping[str, str] | None,
        epoch_deadline_time_in_ms: int,
        invoked_function_arn: str | None = None,
        tenant_id: str | None = None,
    ) -> None: ...
    # Milliseconds, never negative.
    def get_remaining_time_in_millis(self) -> int: ...
    def w3c(self) -> dict[str, str]: ...
    def log(self, msg: object) -> None: ...

class CognitoIdentity:
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]
    cognito_identity_id: str | None
    cognito_identity_pool_id: str | None

class Client:
    __slots__ = [
        "app_package_name",
        "app_title",
        "app_version_code",
        "app_version_name",
        "installation_id",
    ]
    installation_id: str | None
    app_title: str | None
    app_version_name: str | None
    app_version_code: str | None
    app_package_name: str | None

class ClientContext:
    __slots__ = ["client", "custom", "env"]
    custom: dict[str, object] | None
    env: dict[str, object] | None
    client: Client | None

_T = TypeVar("_T")

@overload
def make_obj_from_dict(_class: type[_T], _dict: Mapping[str, object], fields: Iterable[str] | None = None) -> _T: ...
@overload
def make_obj_from_dict(_class: type[_T], _dict: None, fields: Iterable[str] | None = None) -> None: ...
def set_obj_from_dict(obj: object, _dict: Mapping[str, object], fields: Iterable[str] | None = None) -> None: ...
