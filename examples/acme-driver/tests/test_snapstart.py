"""The hooks for SnapStart do what they are for: this is all that a library needs to test."""

import acme_driver

from snapstart_hooks.testing import check_provider


def application() -> dict[str, str]:
    acme_driver.metrics.count("requests")
    return {"token": acme_driver.tracer.token, "trace": acme_driver.tracer.next_id()}


def test_the_hooks() -> None:
    report = check_provider("acme-driver", app=application)
    report.check(fail_on="warning")
    assert report.clones is not None
    assert report.clones.cured
