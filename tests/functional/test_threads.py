"""Where the threads of a cloud stand, told if something does not happen."""

import logging
import re
import threading
from types import SimpleNamespace

import pytest

from tests.cloud import Records, servers, threads


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


# Greenlets are not told.
@pytest.mark.newest
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


@pytest.fixture
def waited_in_vain(monkeypatch):
    """Give what is told of a server that stays in BUILD."""
    server = {'id': 'server', 'status': 'BUILD'}
    cloud = servers.Servers()
    cloud.api = SimpleNamespace(get_server=lambda uuid: server)
    cloud.errors = []
    record = logging.makeLogRecord({'name': 'nova', 'levelno': logging.ERROR})
    record.msg = 'no room'
    Records([], cloud.errors).emit(record)
    monkeypatch.setattr(servers, 'PATIENCE_SECONDS', 0.2)
    monkeypatch.setattr(servers, '_is_idle', lambda server: True)
    with pytest.raises(AssertionError, match='still is BUILD') as error:
        cloud.wait_for(server, 'ACTIVE')
    return str(error.value)


# Greenlets are not told.
@pytest.mark.newest
@pytest.mark.usefixtures('worker')
def test_who_waits_in_vain_is_told_where_threads_stand(waited_in_vain):
    assert 'in stand_still' in told(waited_in_vain)['worker']


def test_who_waits_in_vain_is_told_the_errors(waited_in_vain):
    assert waited_in_vain.endswith('nova: no room')
