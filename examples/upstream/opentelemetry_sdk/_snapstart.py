# Copyright The OpenTelemetry Authors
# SPDX-License-Identifier: Apache-2.0
"""Hooks for AWS Lambda SnapStart, named by the entry points of the group ``snapstart.hooks``.

What was recorded before a snapshot is sent once, before it is taken. Each process that is
restored has random numbers, and so ids, of its own, and is a service instance of its own.
"""

import random

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk import resources

before_snapshot_priority = -150  # after all that records has ended, before connections are closed
before_snapshot_timeout = 10.0
before_snapshot_required = False  # a collector that is down is no reason not to publish
after_restore_priority = -400  # before anything is recorded
after = ("opentelemetry-sdk:ids",)


def instances() -> list:
    """The global providers, unless they are those of the API, which record nothing."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider())
    return [provider for provider in providers if hasattr(provider, "_update_resource")]


def before_snapshot(provider) -> None:
    provider.force_flush(timeout_millis=9_000)


def after_restore(provider) -> None:
    provider._update_resource(resources._get_process_dependent_resource())


class _Ids:
    priority = -400

    def after_restore(self) -> None:
        random.seed()
        resources._service_instance_id = None


ids = _Ids()
