"""Stands between a client and a server, in a process of its own, and lets what is open die when it is told to.

``python relay.py PORT`` prints the port at which it leads to `PORT`. On ``hole`` in its standard input the
connections that are open then never answer again; on ``reset`` they answer what is sent with a reset, as a peer
that knows nothing of them. Those opened later work.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading


class Pair:
    """A connection and what it leads to."""

    def __init__(self, client: socket.socket, port: int) -> None:
        self.client = client
        self.server = socket.create_connection(("127.0.0.1", port))
        self.dead = ""
        for source, target in ((client, self.server), (self.server, client)):
            threading.Thread(target=self.pump, args=(source, target), daemon=True).start()

    def pump(self, source: socket.socket, target: socket.socket) -> None:
        """Pass on what one side says, or do what a dead peer does."""
        with contextlib.suppress(OSError):
            while said := source.recv(65536):
                if not self.dead:
                    target.sendall(said)
                elif self.dead == "reset" and source is self.client:
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    source.close()
                    return
            if not self.dead:
                target.shutdown(socket.SHUT_WR)


def main() -> None:
    """Relay until the standard input ends."""
    pairs: list[Pair] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            pairs.append(Pair(listener.accept()[0], int(sys.argv[1])))

    threading.Thread(target=accept, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    for line in sys.stdin:
        for pair in pairs:
            pair.dead = line.strip()
        pairs.clear()
        print("done", flush=True)


if __name__ == "__main__":
    main()
