from typing import Final

lambda_warning: Final = "LAMBDA_WARNING"
lambda_unhandled_exception_warning_message: str

def get_lambda_preview_runtime_warning_message() -> str: ...
