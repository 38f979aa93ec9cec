"""`Snapstart`: what the fixture of the pytest plugin, ``pytest_snapstart_hooks``, gives."""
# What a function answers may be anything.
# mypy: disable-error-code="explicit-any"

from __future__ import annotations

import contextlib
import dataclasses
import sys
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeGuard, Unpack

from snapstart_hooks.testing._clones import clones as make_clones
from snapstart_hooks.testing._errors import ClonesFailed, CloneUnsupported
from snapstart_hooks.testing._outcome import CloneRun
from snapstart_hooks.testing._target import Target
from snapstart_hooks.testing._unique import assert_unique
from snapstart_hooks.testing.cost import measure_cost
from snapstart_hooks.testing.hazards import accepted_in, find_hazards
from snapstart_hooks.testing.hazards._accept import accept

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from snapstart_hooks.testing._clones import CloneOptions
    from snapstart_hooks.testing.cost import CostReport
    from snapstart_hooks.testing.hazards import Hazard, HazardReport

__all__ = ("Handler", "Snapstart", "handler_string")

Handler: TypeAlias = "str | Callable[..., object] | Target[Any]"
"""A Lambda handler string, the handler itself, or a `Target`."""


class Snapstart:
    """The fixture ``snapstart``: restores functions in clones, and judges what they did.

    Where clones cannot be made the test is skipped, with the reason; it fails instead
    if pytest's configuration sets ``snapstart_require_clones``.

    Attributes:
        doubts: Why what passed proves little; the test warns of it.
    """

    def __init__(self, task_root: Path, *, require_clones: bool, accept: Mapping[str, str]) -> None:
        """Restore functions.

        Args:
            task_root: Where their code is.
            require_clones: Whether the test fails where clones cannot be made.
            accept: Hazards that this test accepts, with the reasons.
        """
        self._task_root: Final = task_root
        self._require_clones: Final = require_clones
        self._accept: Final = accept
        self._unused: list[str] | None = None
        self.doubts: Final[list[str]] = []

    def restore(
        self,
        handler: Handler,
        event: object = None,
        *,
        clones: int = 2,
        check: bool = True,
        **options: Unpack[CloneOptions],
    ) -> CloneRun:
        """Initialise a function once, take a snapshot, and restore that in clones.

        Args:
            handler: The Lambda handler string, such as ``"app.lambda_handler"``; or the
                handler itself, whose string is derived; or a `Target`.
            event: The event that each clone is given; an empty one by default.
            clones: How many.
            check: Whether the test fails if the function, its hooks or a clone did;
                otherwise that is in what is returned.
            **options: Those of `clones`. The default of ``task_root`` is
                ``snapstart_task_root`` of pytest's configuration, else pytest's rootdir.

        Raises:
            ClonesFailed: Something went wrong.
            CloneError: The processes could not be run.
            TypeError: An argument is not what it must be.
            ValueError: Likewise.
        """
        __tracebackhide__ = True
        subject, arguments = self._asked(handler, options)
        with self._possible():
            run = make_clones(clones, subject, event=event, **arguments)
        if check:
            _check(run)
        return run

    def cost(
        self, handler: Handler, event: object = None, *, clones: int = 3, **options: Unpack[CloneOptions]
    ) -> CostReport:
        """Restore a function in clones, and measure what its hooks, first and second answer cost.

        Args:
            handler: As for `restore`.
            event: As for `restore`.
            clones: In how many it is measured.
            **options: As for `restore`.

        Returns:
            Time, memory, and what is done only once by name: see `snapstart_hooks.testing.measure_cost`.

        Raises:
            ClonesFailed: The function, its hooks or a clone failed.
            CloneError: The processes could not be run.
            TypeError: An argument is not what it must be.
            ValueError: Likewise.
        """
        __tracebackhide__ = True
        subject, arguments = self._asked(handler, options)
        with self._possible():
            return measure_cost(subject, event, clones=clones, **arguments)

    def hazards(
        self, handler: Handler, event: object = None, *, clones: int = 2, **options: Unpack[CloneOptions]
    ) -> HazardReport:
        """Restore a function in clones, and find what that does to it.

        Accepted is what the project's ``pyproject.toml`` accepts, and what the marks
        ``snapstart_accept`` of the test do.

        Args:
            handler: As for `restore`.
            event: As for `restore`.
            clones: How many.
            **options: As for `restore`.

        Returns:
            What was found. A failure of the function is in its ``run``, and fails no test.

        Raises:
            CloneError: The processes could not be run.
            TypeError: An argument is not what it must be.
            ValueError: Likewise, or ``pyproject.toml`` cannot be understood.
        """
        __tracebackhide__ = True
        subject, arguments = self._asked(handler, options)
        with self._possible():
            report = find_hazards(clones, subject, event=event, accept=accepted_in(self._task_root), **arguments)
        marked, unused = accept(report.hazards, self._accept)
        self._unused = unused if self._unused is None else [one for one in self._unused if one in unused]
        return dataclasses.replace(report, hazards=tuple(marked))

    def assert_no_hazards(
        self,
        handler: Handler,
        event: object = None,
        *,
        clones: int = 2,
        fail_on: Literal["error", "warning"] = "error",
        **options: Unpack[CloneOptions],
    ) -> HazardReport:
        """Check that clones of a function show no hazard that is not accepted.

        Args:
            handler: As for `restore`.
            event: As for `restore`.
            clones: How many.
            fail_on: Which hazards fail the test: those of severity ``error``, as in the
                command, or ``warning`` too.
            **options: As for `restore`.

        Returns:
            What was found.

        Raises:
            AssertionError: There are such hazards; the message has each with its remedy.
            ClonesFailed: The function, its hooks or a clone failed; the message has the hazards too.
            CloneError: The processes could not be run.
        """
        __tracebackhide__ = True
        report = self.hazards(handler, event, clones=clones, **options)
        if not report.run.ok:
            _check(report.run, also=_told(report.open) if report.open else "")
        if report.failing(fail_on):
            raise AssertionError(_told(report.open))
        self._trusted(report.run)
        return report

    @property
    def unused(self) -> Sequence[str]:
        """Return the accepted hazards of marks that were not found; none if the test did not search for hazards."""
        return self._unused or ()

    def assert_unique(
        self,
        values: CloneRun | Iterable[object],
        path: str | None = None,
        *,
        key: Callable[[Any], object] | None = None,
    ) -> None:
        """Check that no value occurs twice, with `snapstart_hooks.testing.assert_unique`.

        Args:
            values: As for that function.
            path: As for that function.
            key: As for that function.
        """
        __tracebackhide__ = True
        assert_unique(values, path, key=key)
        if isinstance(values, CloneRun):
            self._trusted(values)

    def _trusted(self, run: CloneRun) -> None:
        """Note why what passed proves little."""
        if run.backend == "fork":
            self.doubts.append(f"backend='fork' proves nothing about repeated values: {run.limits[0]}")

    def _asked(self, handler: Handler, options: CloneOptions) -> tuple[str | Target[Any], dict[str, Any]]:
        """What is restored, and how."""
        subject = handler if _is_target(handler) else handler_string(handler)
        return subject, {"task_root": self._task_root, **options}

    @contextlib.contextmanager
    def _possible(self) -> Generator[None]:
        """Skip the test, or fail it, where clones cannot be made."""
        __tracebackhide__ = True
        try:
            yield
        except CloneUnsupported as error:
            import pytest

            if self._require_clones:
                pytest.fail(f"clones are required, and cannot be made here: {error}", pytrace=False)
            pytest.skip(f"clones cannot be made here: {error}")


def _check(run: CloneRun, also: str = "") -> None:
    """Fail in the test, not in our frames."""
    __tracebackhide__ = True
    try:
        run.check()
    except ClonesFailed as error:
        raise ClonesFailed(f"{error}\n\n{also}".rstrip()) from None


def _told(hazards: Sequence[Hazard]) -> str:
    lines = [f"{len(hazards)} hazard{'s' * (len(hazards) != 1)} that are not accepted:"]
    for hazard in hazards:
        parts = (
            hazard.evidence,
            hazard.origin and f"from: {hazard.origin}",
            hazard.remedy and f"remedy: {hazard.remedy}",
        )
        lines += [f"{hazard.severity} {hazard.code}: {hazard.subject}", *(f"    {part}" for part in parts if part)]
    first = hazards[0]
    lines.append(f'To accept one: @pytest.mark.snapstart_accept("{first.code}:{first.subject}", reason="...")')
    return "\n".join(lines)


def _is_target(handler: object) -> TypeGuard[Target[Any]]:
    return isinstance(handler, Target)


def handler_string(handler: object) -> str:
    """The Lambda handler string by which the runtime finds `handler`; a string is one.

    Raises:
        TypeError: It does not.
    """
    __tracebackhide__ = True
    if isinstance(handler, str):
        return handler
    module, name = getattr(handler, "__module__", None), getattr(handler, "__qualname__", None)
    why = None
    if not callable(handler) or not isinstance(module, str) or not isinstance(name, str):
        why = "it is no function"
    elif not name.isidentifier():
        why = f"{module}.{name} is not at the top of its module"
    elif getattr(sys.modules.get(module), name, None) is not handler:
        why = f"{module}.{name} is something else"
    if why is not None:
        msg = f"{handler!r} has no handler string, for {why}; give the string, such as 'app.lambda_handler'"
        raise TypeError(msg)
    return f"{module}.{name}"
