import pathlib
import signal
import subprocess
import sys

import pytest

from tests import checkout, contained


@pytest.fixture
def root(monkeypatch):
    monkeypatch.setattr('os.geteuid', lambda: 0)


def test_who_is_not_root_is_told_so(monkeypatch):
    monkeypatch.setattr('os.geteuid', lambda: 1000)
    assert contained.why_not({}, {}) == 'This must run as root.'


def test_packages_that_are_missing_are_told_in_one_line_each_once(root):
    reason = contained.why_not(
        {'no-such-command': 'b', 'no-other-command': 'a', 'sh': 'dash'},
        {'/no/such/file': 'b', '/': 'base-files'},
    )
    assert reason == (
        'Install what is missing: apt-get install -y '
        '--no-install-recommends a b'
    )


def test_where_there_are_no_namespaces_the_kernel_s_reason_is_told(
    root, monkeypatch
):
    monkeypatch.setattr(contained, 'NAMESPACES', ('--no-such-namespace',))
    reason = contained.why_not({}, {})
    assert reason.startswith('There are no namespaces here: ')


def test_what_is_named_is_tested_and_all_if_nothing_is(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, 'argv', ['program', '-x'])
    assert contained.arguments(tmp_path) == ['-x', str(tmp_path)]
    named = f'{__file__}::test_one'
    monkeypatch.setattr(sys, 'argv', ['program', named, '-x'])
    assert contained.arguments(tmp_path) == [named, '-x']


def test_the_directory_goes_when_a_signal_ends_the_program():
    program = (
        'from tests import contained\n'
        'contained.end_by_signals()\n'
        'with contained.directory() as made:\n'
        '    print(made, flush=True)\n'
        '    import time; time.sleep(60)\n'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', program],
        cwd=checkout.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    made = pathlib.Path(process.stdout.readline().strip())
    assert made.is_dir()
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    assert not made.exists()


@pytest.mark.parametrize('statuses', [(0, 3), (3, 0)])
def test_of_several_programs_the_one_that_fails_counts(statuses):
    programs = [
        subprocess.Popen([sys.executable, '-c', f'exit({status})'])
        for status in statuses
    ]
    assert contained.wait(*programs) == 3
