"""Refuses connections for a while, and names who wanted them."""

from __future__ import annotations

import contextlib
import errno
import functools
import ipaddress
import logging
import sys
import sysconfig
from typing import TYPE_CHECKING, Final

from ._audit import established, of_lambda
from ._foreign import items, shortened
from ._report import tell
from .errors import NetworkRefusedError, PrimingError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ("offline",)

_STANDARD: Final = sysconfig.get_path("stdlib")


@contextlib.contextmanager
def offline() -> Generator[None]:
    """Refuse every connection, datagram and look-up of a name that Python code begins, in all threads.

    Allowed are those to Lambda's own endpoints.  What compiled code connects passes, but is reported if it
    stays open.

    Raises:
        PrimingError: Something was connected all the same.
    """
    import socket

    guard, before = _Guard(), _open()
    with contextlib.ExitStack() as stack:
        for name in ("connect", "connect_ex", "sendto", "sendmsg"):
            stack.callback(_replace(socket.socket, name, functools.partial(guard.reach, name)))
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            stack.callback(_replace(socket, name, guard.look_up))
        for name in ("gethostbyaddr", "getnameinfo"):
            stack.callback(_replace(socket, name, guard.look_up_address))
        yield
    if guard.refused:  # and the handler went on all the same
        tell(logging.WARNING, f"refused, for the function is primed without network: {shortened(guard.refused)}")
    if opened := _open() - before:
        msg = f"primed without network, but compiled code, which cannot be refused, has connected {'; '.join(opened)}"
        raise PrimingError(msg)


# What the functions that are stood in for take and give is none of our business.
# mypy: disable-error-code="explicit-any"
class _Guard:
    """Stands in for functions of `socket`; each method is given the function and its arguments.

    Attributes:
        refused: What was.
    """

    def __init__(self) -> None:
        self._allowed: Final = of_lambda()
        self._hosts: Final = {host for host, _ in self._allowed}
        self.refused: Final[list[str]] = []

    def reach(self, name: str, original: Callable[..., object], *args: object) -> object:
        # The socket, maybe data, and the address, which what is sent on a connection does not need.
        address = args[-1] if name.startswith("connect") or len(args) > 2 else None  # noqa: PLR2004
        given = name.startswith("connect") or issubclass(type(address), (tuple, str))
        if given and not self._may_reach(address):
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

    def _may_reach(self, address: object) -> bool:
        parts = items(address, tuple)
        return parts is not None and tuple(parts[:2]) in self._allowed

    def _refusal(self, address: object, *, what: str) -> NetworkRefusedError:
        to = ":".join(map(str, (items(address, tuple) or [address])[:2]))
        wanted = f"a {what} {to}, wanted by {_caller()}"
        if wanted not in self.refused:
            self.refused.append(wanted)
        msg = f"refused, for the function is primed without network: {wanted}"
        return NetworkRefusedError(errno.ECONNREFUSED, msg)


def _replace(owner: object, name: str, stand_in: Callable[..., object]) -> Callable[[], None]:
    """Let `stand_in` be called instead, with what it stands for in front; give what undoes it."""
    original: Callable[..., object] = getattr(owner, name)
    own = name in vars(owner)

    def call(*args: object, **kwargs: object) -> object:
        return stand_in(original, *args, **kwargs)

    setattr(owner, name, call)
    return lambda: setattr(owner, name, original) if own else delattr(owner, name)


def _caller() -> str:
    """The library that wanted it, and the function's own code that called that."""
    library = ""
    frame = sys._getframe()  # noqa: SLF001 - public in all but name
    while frame.f_back is not None:
        frame = frame.f_back
        file = frame.f_code.co_filename
        installed = "-packages" in file
        ours = str(frame.f_globals.get("__name__")).partition(".")[0] == __package__
        if ours or file.startswith("<") or (file.startswith(_STANDARD) and not installed):
            continue
        here = f"{frame.f_code.co_qualname} ({file}:{frame.f_lineno})"
        if not installed:
            return f"{library}, called by {here}" if library else here
        library = library or here
    return library or "the standard library, in a thread"


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
