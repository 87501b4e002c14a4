"""The paste filter puts our checks into Nova's application."""

import pytest

from numa_sched.nova.api import paste
from numa_sched.nova.api.compute import CheckedAPI
from numa_sched.nova.api.extra_specs import CheckedExtraSpecs

# Where the checks stand in Nova.


def test_every_call_of_nova_that_is_replaced_is_there_to_be_replaced(cloud):
    cloud.door()
    assert [r for r in cloud.log if r.levelname == 'ERROR'] == []


@pytest.mark.parametrize(
    ('ours', 'name'),
    [
        (ours, name)
        for ours in (CheckedAPI, CheckedExtraSpecs)
        for name in ours.REPLACED
    ],
    ids=str,
)
def test_what_nova_no_longer_has_is_told_at_start(
    cloud, monkeypatch, ours, name
):
    assert name in vars(ours)
    monkeypatch.delattr(ours.__mro__[1], name)
    cloud.door()
    # One for each pipeline.
    told = [r.getMessage() for r in cloud.log if r.levelname == 'ERROR']
    assert len(told) == 2
    assert all(f'.{name}, which this release' in error for error in told)


def test_an_application_that_is_not_novas_is_left_as_it_is(cloud):
    app = object()
    assert paste.check(app) is app
    (error,) = [r for r in cloud.log if r.levelname == 'ERROR']
    assert 'does not check' in error.getMessage()
    assert 'before osapi_compute_app_v21' in str(error.exc_info[1])
