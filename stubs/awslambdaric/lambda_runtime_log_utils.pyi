import logging
from enum import IntEnum

from typing_extensions import override

class LogFormat(IntEnum):
    JSON = 0
    TEXT = 1

    @classmethod
    def from_str(cls, value: str | None) -> int: ...

# One JSON object and a newline per record.
class JsonFormatter(logging.Formatter):
    def __init__(self) -> None: ...
    @override
    def format(self, record: logging.LogRecord) -> str: ...
