"""Does much while it is loaded."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

_listener = socket.create_server(("127.0.0.1", 0))
_connection = socket.create_connection(_listener.getsockname())
threading.Thread(target=threading.Event().wait, name="loud", daemon=True).start()
subprocess.run([sys.executable, "-S", "-c", ""], check=True)


def after_restore() -> None: ...
