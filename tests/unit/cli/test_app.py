"""The program as a process: start, help, how it ends."""

import logging
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from numa_sched import cli
from numa_sched.cli import app, source

COMMANDS = (
    *('capacity', 'drain', 'explain', 'keep-room', 'make-room', 'policy'),
    *('rank', 'snapshot'),
)
COMMAND = [sys.executable, '-m', 'numa_sched.cli']
HEAVY = ('nova', 'numpy', 'rich', 'oslo_', 'cmd2', 'numa_sched.fit')


def test_help_names_every_command():
    told = subprocess.run([*COMMAND, '--help'], capture_output=True, text=True)
    assert told.returncode == 0
    for name in COMMANDS:
        assert f'  {name} ' in told.stdout


@pytest.mark.parametrize('name', COMMANDS)
def test_help_of_a_command_ends_with_examples(name, run):
    status, out, err = run(name, '--help')
    assert (status, err) == (0, '')
    examples = out.partition('\nexamples:\n')[2]
    assert f'    numa-sched {name} ' in examples


def test_without_a_command_there_is_help_and_status_2(run):
    status, out, _ = run()
    assert status == 2
    assert 'Commands:' in out


def test_whoever_runs_a_command_in_a_process_hears_nova_as_before(run):
    loggers = [logging.getLogger(name) for name in ('', *app.QUIET)]
    before = [(each.level, each.handlers[:]) for each in loggers]
    run('explian')
    assert [(each.level, each.handlers) for each in loggers] == before


def test_a_command_that_there_is_not_is_status_2(run):
    status, out, err = run('explian')
    assert status == 2
    assert 'explain' in out + err


def test_what_a_command_does_not_need_is_not_imported():
    code = (
        'import sys\n'
        'from numa_sched.cli import app\n'
        'app.run(["--help"])\n'
        'sys.stderr.write("\\n".join(sys.modules))'
    )
    loaded = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
    ).stderr.split()
    assert 'numa_sched.cli.rank' in loaded
    assert [name for name in loaded if name.startswith(HEAVY)] == []


def test_a_missing_library_is_told_with_what_to_do(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'cliff.app', None)
    monkeypatch.delitem(sys.modules, 'numa_sched.cli.app')
    monkeypatch.delattr(cli, 'app')
    assert cli.main(['--help']) == 1
    assert capsys.readouterr().err == (
        'numa-sched: cliff is not installed here; pip install '
        "'numa-sched[tools]' brings what numa-sched needs\n"
    )


def test_a_broken_pipe_is_no_complaint(file):
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [*COMMAND, 'explain', 'web', '-f', 'json', '--snapshot', file],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (app.BROKEN_PIPE, '')


def test_an_interrupt_leaves_no_half_written_file(file, tmp_path):
    target = tmp_path / 'other' / 'fleet.json'
    target.parent.mkdir()
    # A pipe that nobody writes to keeps it reading until the signal.
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [*COMMAND, 'snapshot', '--from', str(pipe), str(target)],
        stderr=subprocess.PIPE,
        text=True,
        # Who runs the tests in the background has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with pipe.open('wb'):  # waits until it reads
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert 'Traceback' not in errors
    assert os.listdir(target.parent) == []


def test_what_this_program_is_to_blame_for_is_one_line(run, file, monkeypatch):
    def fail(*args):
        raise KeyError('first\nsecond')

    monkeypatch.setattr('numa_sched.cli.source.fleet', fail)
    status, out, err = run('explain', 'web', '--snapshot', file)
    assert (status, out) == (1, '')
    assert err == "KeyError: 'first\\nsecond' (--debug tells where)\n"


def test_how_far_it_is_shows_on_a_terminal_only(monkeypatch, capsys):
    with source.progress() as show:
        show('hosts', 1, 2)
    assert capsys.readouterr().err == ''
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: True)
    monkeypatch.setenv('FORCE_COLOR', '1')
    monkeypatch.setenv('TERM', 'xterm')
    with source.progress() as show:
        show('hosts', 1, 2)
        show('hosts', 2, 2)
    assert 'hosts' in capsys.readouterr().err


def test_text_for_people_has_no_control_characters(ask):
    told = ask('explain', '4567-odd')
    assert r'\x1b[31m<b>' in told
    assert '\x1b' not in told


def test_what_does_not_take_long_shows_no_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: True)
    monkeypatch.setenv('FORCE_COLOR', '1')
    with source.progress(patience_s=60) as show:
        show('servers', 1, 2)
    assert capsys.readouterr().err == ''


def test_the_program_is_installed():
    script = pathlib.Path(sys.executable).with_name('numa-sched')
    told = subprocess.run([script, '--version'], capture_output=True)
    assert told.returncode == 0
