from tests.cloud import started_cloud  # isort: skip


import pytest
from nova.conf import CONF

from numa_sched.history.underway import UnderWay
from numa_sched.nova.scheduler import refusals, underway


@pytest.fixture(scope='session', autouse=True)
def _directory(tmp_path_factory):
    """Have the directory of all tests outside that of a cloud, which goes."""
    tmp_path_factory.getbasetemp()


@pytest.fixture(scope='module')
def cloud():
    """A running cloud, shared by the tests of a module.

    It packs and shares nothing out, so that which host comes first depends
    neither on what other tests have asked for nor on names.
    """
    with started_cloud(fit_strategy='pack', fit_share_out=0.0) as running:
        yield running


@pytest.fixture(scope='module')
def door(cloud):
    """The API as the README has it set up."""
    return cloud.door()


@pytest.fixture(scope='module')
def nova(cloud):
    """The API without our filter."""
    return cloud.door(filtered=False)


@pytest.fixture(autouse=True)
def _clean(request, monkeypatch):
    """Leave a shared cloud without servers, as it was before the test."""
    memory = refusals.of_this_process()
    monkeypatch.setattr(memory, 'refusals', refusals.Refusals())
    # Servers of the test before are gone sooner than they were to arrive.
    choices = underway.of_this_process()
    monkeypatch.setattr(choices, '_under_way', UnderWay())
    monkeypatch.setattr(choices, '_watched', {})
    yield
    if 'cloud' in request.fixturenames:
        request.getfixturevalue('cloud').delete_all()


@pytest.fixture
def option():
    """Give a function that sets an option for the test."""
    names = []

    def override(name, value, group='numa_sched'):
        names.append((name, group))
        CONF.set_override(name, value, group=group)

    yield override
    for name, group in names:
        CONF.clear_override(name, group=group)
