"""Refuses connections for a while, and names who wanted them."""

from __future__ import annotations

import contextlib
import errno
import functools
import ipaddress
import logging
import sys
import sysconfig
from threading import get_ident
from typing import TYPE_CHECKING, Final

from ._audit import established, of_lambda
from ._foreign import items, shortened
from ._report import tell
from .errors import NetworkRefusedError, PrimingError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

__all__ = ("offline",)

_STANDARD: Final = sysconfig.get_path("stdlib")


@contextlib.contextmanager
def offline() -> Generator[None]:
    """Refuse every connection, datagram and look-up of a name that Python code begins, in all threads.

    Allowed are those to Lambda's own endpoints.  What compiled code connects passes, but is reported if it
    stays open.  Code that was run meanwhile may keep a stand-in: it refuses nothing afterwards.

    Raises:
        PrimingError: Something was connected all the same.
    """
    import _socket
    import socket

    guard, before = _Guard(), _open()
    try:
        with contextlib.ExitStack() as stack:
            for name in _ADDRESS:
                stack.callback(guard.replace(socket.socket, name, functools.partial(guard.reach, name)))
            stack.callback(guard.replace(_socket, "getaddrinfo", guard.look_up))  # which that of `socket` calls
            for name in ("gethostbyname", "gethostbyname_ex"):
                stack.callback(guard.replace(socket, name, guard.look_up))
            for name in ("gethostbyaddr", "getnameinfo"):
                stack.callback(guard.replace(socket, name, guard.look_up_address))
            yield
    finally:  # the handler may have gone on all the same, or raised an error that does not tell
        guard.is_over = True
        if guard.refused:
            message = f"refused, for the function is primed without network: {shortened(list(guard.refused))}"
            tell(logging.WARNING, message)
    if opened := _open() - before:
        who = "code that cannot be refused, such as compiled code,"
        msg = f"primed without network, but {who} has connected {'; '.join(opened)}"
        raise PrimingError(msg)


_ADDRESS: Final = {"connect": 1, "connect_ex": 1, "sendto": 2, "sendmsg": 4}
"""The methods of a socket that are given an address, and behind how many arguments: it is the last one."""


# What the functions that are stood in for take and give is none of our business.
# mypy: disable-error-code="explicit-any"
class _Guard:
    """Stands in for functions of `socket`; each method is given the function and its arguments.

    Attributes:
        is_over: Whether everything passes again.
        refused: What was.
    """

    def __init__(self) -> None:
        self._allowed: Final = [list(address) for address in of_lambda()]
        self._hosts: Final = {host for host, _ in of_lambda()}
        self._thread: Final = get_ident()
        self.is_over = False
        self.refused: Final[dict[str, None]] = {}

    def replace(self, owner: object, name: str, stand_in: Callable[..., object]) -> Callable[[], None]:
        """Let `stand_in` be called instead, with what it stands for in front; give what undoes it."""
        original: Callable[..., object] = getattr(owner, name)
        own = name in vars(owner)

        def call(*args: object, **kwargs: object) -> object:
            return original(*args, **kwargs) if self.is_over else stand_in(original, *args, **kwargs)

        def undo() -> None:
            if vars(owner).get(name) is call:  # else the function has put its own there, which may call ours
                setattr(owner, name, original) if own else delattr(owner, name)

        setattr(owner, name, functools.update_wrapper(call, original))
        return undo

    def reach(self, name: str, original: Callable[..., object], *args: object) -> object:
        given = args[_ADDRESS[name] :]
        address = given[-1] if given else None
        if address is not None and (items(address, tuple) or [])[:2] not in self._allowed:
            refusal = self._refusal(address, what="connection to" if name.startswith("connect") else "datagram to")
            if name == "connect_ex":
                return refusal.errno
            raise refusal
        return original(*args)

    def look_up(self, original: Callable[..., object], host: object, *args: object, **kwargs: object) -> object:
        text = host.decode(errors="replace") if isinstance(host, bytes) else host
        if isinstance(text, str) and text not in self._hosts and not _is_address(text):
            raise self._refusal(text, what="look-up of")
        return original(host, *args, **kwargs)

    def look_up_address(self, original: Callable[..., object], address: object, *args: object) -> object:
        parts = items(address, tuple)
        if not _is_numeric(*args) and (parts[0] if parts else address) not in self._hosts:
            raise self._refusal(address, what="look-up of")
        return original(address, *args)

    def _refusal(self, address: object, *, what: str) -> NetworkRefusedError:
        to = ":".join(map(str, (items(address, tuple) or [address])[:2]))
        who = _callers(sys._getframe())  # noqa: SLF001 - public in all but name
        if not who:
            main = _callers(sys._current_frames().get(self._thread))  # noqa: SLF001 - documented
            who = ", during ".join(filter(None, ("the standard library in a thread", main)))
        wanted = f"a {what} {to}, wanted by {who}"
        self.refused[wanted] = None
        msg = f"refused, for the function is primed without network: {wanted}"
        return NetworkRefusedError(errno.ECONNREFUSED, msg)


def _callers(frame: FrameType | None) -> str:
    """What the handler has called, from within: of each package, also beside the function, what called the next."""
    found: dict[str, str] = {}
    called = False
    while frame is not None:
        file, package = frame.f_code.co_filename, str(frame.f_globals.get("__name__")).partition(".")[0]
        ours = package == __package__
        if ours and called:
            break
        called = called or not ours
        standard = file.startswith("<") or (file.startswith(_STANDARD) and "-packages" not in file)
        if not (ours or standard):
            found.setdefault(package, f"{frame.f_code.co_qualname} ({file}:{frame.f_lineno})")
        frame = frame.f_back
    return ", called by ".join(found.values())


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return not text
    return True


def _is_numeric(flags: object = 0) -> bool:
    """Whether `socket.getnameinfo` is asked for no more than the address as text."""
    from socket import NI_NUMERICHOST

    return isinstance(flags, int) and bool(flags & NI_NUMERICHOST)


def _open() -> set[str]:
    return {f"fd {link.fd} to {link.remote[0]}:{link.remote[1]}" for link in established()}
