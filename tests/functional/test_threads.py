"""Where the threads of a cloud stand, told if something does not happen."""

import re
import threading
from types import SimpleNamespace

import pytest

from tests.cloud import servers, threads


@pytest.fixture
def worker():
    """A thread that does not get on."""
    over = threading.Event()

    def stand_still():
        over.wait()

    thread = threading.Thread(target=stand_still, name='worker')
    thread.start()
    yield
    over.set()
    thread.join()


def told(text):
    """Give the lines about each thread, by its name."""
    parts = re.split(r'^(\S+):$', text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.usefixtures('worker')
def test_a_thread_that_does_not_get_on_is_told_with_where_it_stands():
    assert 'in stand_still' in told(threads.busy())['worker']


def test_a_thread_that_waits_for_work_is_not_told():
    def poll():
        over.wait()

    over = threading.Event()
    thread = threading.Thread(target=poll, name='idler')
    thread.start()
    try:
        assert 'idler' not in told(threads.busy())
    finally:
        over.set()
        thread.join()


@pytest.mark.usefixtures('worker')
def test_a_server_that_is_waited_for_in_vain_tells_it(monkeypatch):
    server = {'id': 'server', 'status': 'BUILD'}
    cloud = servers.Servers()
    cloud.api = SimpleNamespace(get_server=lambda uuid: server)
    monkeypatch.setattr(servers, 'PATIENCE_SECONDS', 0.2)
    monkeypatch.setattr(servers, '_is_idle', lambda server: True)
    with pytest.raises(AssertionError, match='still is BUILD') as error:
        cloud.wait_for(server, 'ACTIVE')
    assert 'in stand_still' in told(str(error.value))['worker']
