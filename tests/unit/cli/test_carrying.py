"""``--execute`` and ``--resume``, by a cloud that is scripted."""

import dataclasses
import io
import json
import os
import signal
import subprocess
import sys

import pytest

from numa_sched.carry import Ended, Fate, Memory, Patience
from numa_sched.cli import carrying, compute_api, source, watchers
from numa_sched.exceptions import ForbiddenError
from numa_sched.fleet import Fleet, Seat, snapshot
from tests.builders import make_cell, mask
from tests.fleets import make_flavor, make_fleet_host, make_server
from tests.unit.carry.scripted import (
    REFUSED,
    UP,
    ScriptedCloud,
    make_task,
    seen,
)

SMALL = make_flavor('small', 2)


def fleet():
    """Give two servers that are to leave a host, and room for both."""
    servers = [
        make_server(
            name, SMALL, 'full', uuid=name, seats=(Seat(0, mask(*cpus)),)
        )
        for name, cpus in (('web', (0, 1)), ('db', (2, 3)))
    ]
    hosts = (
        make_fleet_host('full', make_cell(cpus=4, pinned=range(4))),
        (make_fleet_host('free', 5)),
    )
    return Fleet(hosts, tuple(servers), (SMALL,))


@pytest.fixture
def cloud(monkeypatch):
    """Give the cloud, as it is."""
    cloud = ScriptedCloud()
    shape = carry_shape()
    for each in ('web', 'db'):
        cloud.servers[each] = seen('full', shape=shape)
    cloud.services['free'] = UP
    monkeypatch.setattr(compute_api, 'connect', lambda name: cloud)
    monkeypatch.setattr(carrying, 'PATIENCE', Patience(0.0, 1.0, 1.0))
    return cloud


def carry_shape():
    from numa_sched.carry import Shape

    return Shape('small', SMALL.vcpus, SMALL.memory_mb, {})


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'fleet.json'
    path.write_bytes(snapshot.dumps(fleet()))
    return str(path)


@pytest.fixture
def journal(tmp_path):
    return tmp_path / 'journal'


@pytest.fixture
def carry(run, file, journal):
    """Run a command on the snapshot, with a journal."""

    def carry(*arguments, resume=False):
        where = '--resume' if resume else '--journal'
        return run(*arguments, where, str(journal), '--snapshot', file)

    return carry


class Terminal(io.StringIO):
    def isatty(self):
        return True


def fates(journal):
    lines = map(json.loads, journal.read_text().splitlines())
    return [line['fate'] for line in lines if line['event'] == 'end']


def test_the_plan_is_shown_and_carried_out(carry, cloud, journal):
    status, out, err = carry('drain', 'full', '--execute', '--yes')
    assert status == 0
    assert out.startswith('full: 2 migrations in 2 waves')
    assert '2 migrations done.\n' in err
    assert f'The journal is {journal}.\n' in err
    assert fates(journal) == ['done', 'done']


def test_it_is_asked_for_first(carry, cloud, monkeypatch):
    monkeypatch.setattr(sys, 'stdin', Terminal('y\n'))
    status, _, err = carry('drain', 'full', '--execute')
    assert status == 0
    assert err.startswith('Carry it out? [y/N] ')


@pytest.mark.parametrize('answer', ['n\n', '\n', ''])
def test_without_a_yes_nothing_is_done(
    carry, cloud, journal, monkeypatch, answer
):
    monkeypatch.setattr(sys, 'stdin', Terminal(answer))
    assert carry('drain', 'full', '--execute')[0] == 4
    assert cloud.asked == []
    assert not journal.exists()


def test_where_nobody_can_be_asked_one_line_says_so(carry, cloud, monkeypatch):
    monkeypatch.setattr(sys, 'stdin', io.StringIO('y\n'))
    status, out, err = carry('drain', 'full', '--execute')
    assert (status, out, err.count('\n')) == (1, '', 1)
    assert '--yes' in err
    assert cloud.asked == []


@pytest.mark.parametrize(
    'arguments',
    [
        ('--yes',),
        ('--os-cloud', 'x'),
        ('--journal', 'x'),
        ('--replans', '1'),
        ('--execute', '--commands'),
        ('--resume', 'x', '--commands'),
        ('--resume', 'x', '--journal', 'y'),
        ('--execute', '--replans', '-1'),
    ],
    ids=' '.join,
)
def test_options_that_do_not_go_together_are_wrong_usage(run, file, arguments):
    status, out, _ = run('drain', 'full', *arguments, '--snapshot', file)
    assert (status, out) == (2, '')


def test_without_openstacksdk_one_line_says_what_is_missing(
    carry, monkeypatch
):
    monkeypatch.setitem(sys.modules, 'openstack', None)
    status, out, err = carry('drain', 'full', '--execute', '--yes')
    assert (status, out, err.count('\n')) == (1, '', 1)
    assert "pip install 'numa-sched[execute]'" in err


def test_what_is_not_carried_out_loads_nothing_for_it(file):
    code = (
        'import sys; from numa_sched.cli import app; '
        f'app.run(["drain", "full", "--snapshot", {file!r}]); '
        'print(*sys.modules)'
    )
    loaded = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert 'numa_sched.cli.drain' in loaded
    assert not {'openstack', 'numa_sched.cli.compute_api'} & set(loaded)


def test_who_may_not_is_told_before_a_plan_is_made(carry, monkeypatch):
    def connect(name):
        raise ForbiddenError('HTTP 403: Policy', 403)

    monkeypatch.setattr(compute_api, 'connect', connect)
    status, out, err = carry('drain', 'full', '--execute', '--yes')
    assert (status, out, err) == (1, '', 'HTTP 403: Policy\n')


def test_without_steps_there_is_no_journal(carry, cloud, journal):
    status, out, _ = carry('drain', 'free', '--execute', '--yes')
    assert (status, out) == (0, 'free: nothing is to be moved.\n')
    assert not journal.exists()


def test_a_plan_that_falls_short_is_carried_out_and_told_by_status(
    carry, cloud, journal, file
):
    made = fleet()
    full, _ = made.hosts
    with open(file, 'wb') as written:
        less = Fleet((full, make_fleet_host('free', 2)), made.servers)
        written.write(snapshot.dumps(less))
    assert carry('drain', 'full', '--execute', '--yes')[0] == 3
    assert fates(journal) == ['done']


def test_a_snapshot_makes_no_other_plan(carry, cloud, journal):
    cloud.change('db', locked=True)
    cloud.change('web', locked=True)
    status, _, err = carry('drain', 'full', '--execute', '--yes')
    assert status == 4
    assert 'Another plan needs another snapshot.\n' in err
    assert 'It has ended early: things are not as planned any more.' in err
    assert err.count('left: ') == 1
    assert cloud.asked == []


@pytest.fixture
def live(cloud, monkeypatch):
    """Have plans be made of the cloud as it is."""

    def now(parsed_args):
        made = fleet()
        return Fleet(
            made.hosts,
            tuple(
                dataclasses.replace(
                    each, locked=cloud.servers[each.uuid].locked
                )
                for each in made.servers
            ),
            made.flavors,
        )

    monkeypatch.setattr(source, 'fleet', now)
    return cloud


def locked_after_the_question(cloud, answers):
    """Have a server be locked as soon as a plan has been agreed to."""

    class Answers(Terminal):
        def readline(self):
            cloud.change('db', locked=True)
            return super().readline()

    return Answers(answers)


def test_what_has_changed_leads_to_another_plan_that_is_asked_about(
    run, live, journal, monkeypatch
):
    stdin = locked_after_the_question(live, 'y\ny\n')
    monkeypatch.setattr(sys, 'stdin', stdin)
    status, _, err = run(
        *('drain', 'full', '--execute', '--journal', str(journal))
    )
    assert status == 3
    assert fates(journal) == ['changed', 'done']
    assert err.count('Carry it out? [y/N] ') == 2
    assert 'Things are not as planned. Another plan:\n' in err
    assert live.servers['web'].host == 'free'


def test_another_plan_that_is_not_agreed_to_is_not_carried_out(
    run, live, journal, monkeypatch
):
    stdin = locked_after_the_question(live, 'y\nn\n')
    monkeypatch.setattr(sys, 'stdin', stdin)
    status, _, _err = run(
        *('drain', 'full', '--execute', '--journal', str(journal))
    )
    assert status == 4
    assert fates(journal) == ['changed']
    assert live.asked == []


def test_who_resumes_is_asked_first(carry, cloud, monkeypatch):
    cloud.scripts['db'] = cloud.scripts['web'] = [REFUSED]
    carry('drain', 'full', '--execute', '--yes')
    cloud.asked.clear()
    monkeypatch.setattr(sys, 'stdin', Terminal('n\n'))
    status, _, err = carry('drain', 'full', resume=True)
    assert status == 4
    assert 'Carry it out?' in err
    assert cloud.asked == []


def test_an_interrupt_while_it_waits_tells_what_may_be_under_way(
    carry, cloud, journal
):
    def interrupt(uuid):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    cloud.memory = interrupt
    status, _, err = carry('drain', 'full', '--execute', '--yes')
    assert status == 130
    assert 'may be under way: ' in err
    assert 'It has ended early: it was interrupted.\n' in err
    assert fates(journal) == []


def test_who_resumes_goes_on_where_the_journal_ends(carry, cloud, journal):
    cloud.scripts['db'] = [REFUSED]
    cloud.scripts['web'] = [REFUSED]
    status, _, err = carry('drain', 'full', '--execute', '--yes')
    assert status == 4
    assert f'The same command with --resume {journal} goes on.' in err
    cloud.scripts.clear()
    status, out, err = carry('drain', 'full', '--yes', resume=True)
    assert (status, out) == (0, '')
    assert 'wave 1 of 2: ' in err
    assert [server.host for server in cloud.servers.values()] == ['free'] * 2


def test_what_was_done_is_not_done_again(carry, cloud):
    carry('drain', 'full', '--execute', '--yes')
    cloud.asked.clear()
    status, _, err = carry('drain', 'full', '--yes', resume=True)
    assert (status, err) == (0, 'All of it was done before.\n')
    assert cloud.asked == []


def test_a_journal_of_something_else_is_not_gone_on_with(
    carry, cloud, journal
):
    carry('drain', 'full', '--execute', '--yes')
    status, _, err = carry('drain', 'free', '--yes', resume=True)
    assert status == 1
    assert err == (
        f"{journal}: is of something else: drain hosts=['full'], and not "
        "drain hosts=['free']\n"
    )


def test_a_journal_that_is_there_is_not_written_over(carry, cloud, journal):
    journal.write_text('mine')
    status, _, err = carry('drain', 'full', '--execute', '--yes')
    assert status == 1
    assert err == f'{journal}: is there; --resume {journal} goes on with it\n'
    assert journal.read_text() == 'mine'
    assert cloud.asked == []


def test_the_second_signal_waits_for_nobody():
    stopping = carrying.Stopping()
    assert stopping.why() is None
    stopping.take(2, None)
    assert stopping.why() == 'it was interrupted'
    with pytest.raises(KeyboardInterrupt):
        stopping.take(2, None)


@pytest.fixture
def bars():
    """Give bars of a terminal, and what they write."""
    from rich.console import Console

    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100)
    with watchers.bars(console) as made:
        yield made, written


def test_a_bar_shows_the_memory_that_remains(bars):
    made, written = bars
    teller = watchers.Teller(made)
    task = make_task(name='web')
    teller.began(task)
    (bar,) = made.tasks
    assert (bar.total, bar.completed) == (1024, 0)
    teller.copied(task, Memory(2048, 512))
    assert (bar.total, bar.completed) == (2048, 1536)
    made.refresh()
    assert '512 MiB left' in written.getvalue()
    teller.ended(task, Ended(Fate.DONE))
    assert made.tasks == []
    assert 'done: web (web), a to b' in written.getvalue()


def test_names_do_not_tell_a_terminal_what_to_do(capsys):
    teller = watchers.Teller()
    teller.ended(
        make_task(name='\x1b[2J[red]', uuid='u'), Ended(Fate.FAILED, 'why')
    )
    assert capsys.readouterr().err == (
        'failed: \\x1b[2J[red] (u), a to b: why\n'
    )


def test_names_are_no_markup_of_bars(bars):
    made, written = bars
    task = make_task(name='[bold]web')
    teller = watchers.Teller(made)
    teller.began(task)
    assert 'begun: [bold]web (' in written.getvalue()
