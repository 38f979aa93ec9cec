from typing import Final

# Raised inside the runtime; `exception_type` becomes the reported error type.
class FaultException(Exception):
    MARSHAL_ERROR: Final = "Runtime.MarshalError"
    UNMARSHAL_ERROR: Final = "Runtime.UnmarshalError"
    USER_CODE_SYNTAX_ERROR: Final = "Runtime.UserCodeSyntaxError"
    HANDLER_NOT_FOUND: Final = "Runtime.HandlerNotFound"
    IMPORT_MODULE_ERROR: Final = "Runtime.ImportModuleError"
    BUILT_IN_MODULE_CONFLICT: Final = "Runtime.BuiltInModuleConflict"
    MALFORMED_HANDLER_NAME: Final = "Runtime.MalformedHandlerName"
    BEFORE_SNAPSHOT_ERROR: Final = "Runtime.BeforeSnapshotError"
    AFTER_RESTORE_ERROR: Final = "Runtime.AfterRestoreError"
    LAMBDA_CONTEXT_UNMARSHAL_ERROR: Final = "Runtime.LambdaContextUnmarshalError"
    LAMBDA_RUNTIME_CLIENT_ERROR: Final = "Runtime.LambdaRuntimeClientError"

    exception_type: str
    msg: str
    trace: list[str] | None
    def __init__(self, exception_type: str, msg: str, trace: list[str] | None = None) -> None: ...
