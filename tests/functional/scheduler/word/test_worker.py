"""What a worker keeps and writes of its requests."""

import contextlib
import errno
import gc
import os
import threading
import time
import weakref

import pytest
from nova import objects

from numa_sched.exceptions import SourceError
from numa_sched.history import ring
from numa_sched.nova.scheduler import word
from numa_sched.nova.scheduler.word import Word
from tests.functional.scheduler.word.asking import (
    Quiet,
    ask,
    hosts,
    request,
    told,
    warnings,
)


def test_a_request_is_not_held_on_to(left, path):
    spec = request()
    spec.ignore_hosts = ['there']
    assert ask(left, spec, hosts(one=4, two=2))
    reference = weakref.ref(spec)
    del spec
    gc.collect()
    assert reference() is None


def test_requests_of_which_nothing_is_known_have_a_bound(
    left, path, monkeypatch
):
    monkeypatch.setattr(word, 'MAX_OPEN', 3)
    specs = [request() for _ in range(10)]
    for spec in specs:
        thread = threading.Thread(target=left.begin, args=[spec])
        thread.start()
        thread.join()
    assert len(left._open) == 3


def test_refusals_that_wait_to_be_written_have_a_bound(
    left, path, monkeypatch
):
    monkeypatch.setattr(word, 'MAX_WAITING', 3)
    specs = [request(vcpus=8) for _ in range(10)]
    for spec in specs:
        ask(left, spec, hosts(one=4))
    assert [each.server for each in told(left, path)] == [
        spec.instance_uuid for spec in specs[-3:]
    ]


def test_each_worker_has_a_file_of_its_own(left, path):
    for worker in (left, Quiet()):
        ask(worker, request(vcpus=8), hosts(one=4))
        worker.round()
    assert os.path.exists(f'{path}.0') and os.path.exists(f'{path}.1')


def test_as_many_are_kept_as_the_option_says(left, path, option):
    option('refusals_kept', 2)
    specs = [request(vcpus=8) for _ in range(11)]
    for spec in specs:
        ask(left, spec, hosts(one=4))
        found = told(left, path)
    assert 2 <= len(found) <= 4
    assert found[-1].server == specs[-1].instance_uuid


def refuse(left, times=1):
    for _ in range(times):
        assert not ask(left, request(vcpus=8), hosts(one=4))
        left.round()


def test_a_directory_that_is_not_there_is_warned_of_once(
    left, tmp_path, option, caplog
):
    directory = tmp_path / 'none'
    option('refusals_file', str(directory / 'refusals'))
    refuse(left, 5)
    (warning,) = warnings(caplog)
    assert 'No such file or directory' in warning
    assert '[numa_sched] refusals_file' in warning
    caplog.clear()
    directory.mkdir()
    refuse(left, 2)
    assert warnings(caplog) == []
    assert warnings(caplog, 'INFO') == [
        'Requests that find no host are written down again'
    ]
    assert len(told(left, str(directory / 'refusals'))) == 2


@pytest.mark.parametrize(
    'error',
    [
        OSError(errno.ENOSPC, 'No space left on device'),
        PermissionError(errno.EACCES, 'Permission denied'),
        RuntimeError('no idea'),
    ],
    ids=['full disk', 'no permission', 'mistake'],
)
def test_what_cannot_be_written_is_warned_of_at_each_change(
    left, path, caplog, monkeypatch, error
):
    def fail(*_):
        raise error

    monkeypatch.setattr(ring.Ring, 'add', fail)
    refuse(left, 3)
    (warning,) = warnings(caplog)
    assert str(error) in warning
    error = OSError(errno.EIO, 'Input/output error')
    refuse(left, 3)
    _, warning = warnings(caplog)
    assert 'Input/output error' in warning


@pytest.mark.parametrize('broken', ['_new_case', '_case', '_settle'])
def test_no_hook_fails_and_hosts_are_filtered_all_the_same(
    left, path, caplog, monkeypatch, broken
):
    def fail(*_, **__):
        raise RuntimeError('no idea')

    monkeypatch.setattr(left, broken, fail)
    assert len(ask(left, request(vcpus=4), hosts(one=4, two=2))) == 1
    assert not ask(left, request(vcpus=8), hosts(one=4))
    left.refused(request(), 'x')
    (warning,) = warnings(caplog)
    assert 'no idea' in warning


def test_a_request_of_which_nothing_is_known_harms_nobody(left, path, caplog):
    left.begin(objects.RequestSpec())
    left.round()
    assert len(warnings(caplog)) == 1


def test_what_cannot_be_told_of_one_request_is_told_of_the_next(
    left, path, caplog
):
    bad = request(vcpus=8)
    del bad.flavor._obj_vcpus
    spec = request(vcpus=8)
    left.refused(bad, 'x')
    ask(left, spec, hosts(one=4))
    (found,) = told(left, path)
    assert found.server == spec.instance_uuid
    assert len(warnings(caplog)) == 1


@pytest.fixture
def working():
    """A worker whose thread looks at its requests by itself."""
    worker = Word()
    yield worker
    worker._thread = None


def wait_for_lines(path, count):
    """Wait until so many refusals are told."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(SourceError):
            if len(list(ring.lines(path))) >= count:
                return
        time.sleep(0.05)
    raise AssertionError('there are fewer')


def test_one_thread_writes(path, working):
    ask(working, request(vcpus=8), hosts(one=4))
    wait_for_lines(path, 1)
    thread = working._thread
    working.refused(request(), 'x')
    wait_for_lines(path, 2)
    assert working._thread is thread


def test_it_begins_again_where_it_did_not_survive_a_fork(path, working):
    working._thread = threading.Thread()
    ask(working, request(vcpus=8), hosts(one=4))
    wait_for_lines(path, 1)


def test_no_request_waits_for_a_disk_that_hangs(path, working, monkeypatch):
    hangs = threading.Event()
    monkeypatch.setattr(ring.Ring, 'add', lambda self, line: hangs.wait(30))
    ask(working, request(vcpus=8), hosts(one=4))
    time.sleep(2 * word.ROUND_S)
    began = time.monotonic()
    for _ in range(10):
        ask(working, request(vcpus=8), hosts(one=4))
    assert time.monotonic() - began < 5
    hangs.set()
