"""What a journal tells to those who go on with it."""

import json

import pytest

from numa_sched.carry import Ended, Fate, Planned, journal
from numa_sched.exceptions import JournalError
from tests.unit.carry.scripted import Lines, Stage, make_task

GOAL = {'command': 'drain', 'hosts': ['a']}
ONE = make_task(1, 'one', cells=(1, 0))
TWO, THREE = make_task(2, 'two'), make_task(3, 'three', live=False)
AGAIN = make_task(4, 'one', source='b', destination='c')
PLAN = Planned(((ONE, TWO), (THREE,), (AGAIN,)))


def text(lines):
    return ''.join(
        json.dumps({'at': '2026-11-22T03:00:00.000+00:00', **line}) + '\n'
        for line in lines
    )


def read(*write):
    """Give what is read of a journal, begun with a plan."""
    lines = Lines()
    journal.begin(lines, GOAL)
    journal.plan(lines, PLAN)
    for each in write:
        each(lines)
    return journal.read(text(lines), 'file')


def start(task, before=0):
    return lambda lines: journal.start(lines, task, before)


def end(task, fate=Fate.DONE):
    return lambda lines: journal.end(lines, task, Ended(fate, 'why'))


def test_a_plan_is_read_as_it_was_written():
    record = read()
    assert (record.goal, record.waves, record.reached) == (
        *(GOAL, PLAN.waves, True),
    )
    assert record.left == PLAN.waves
    assert record.begun == ()


def test_what_is_done_is_not_left():
    record = read(start(ONE), end(ONE), end(THREE, Fate.GONE))
    assert record.left == ((TWO,), (AGAIN,))


def test_what_began_and_did_not_end_may_be_under_way():
    record = read(start(ONE, 7), start(TWO), end(TWO))
    assert record.begun == ((ONE, 7),)
    assert record.left == ((THREE,), (AGAIN,))


def test_what_nobody_has_followed_to_its_end_may_be_under_way():
    record = read(start(ONE, 7), end(ONE, Fate.UNKNOWN))
    assert record.begun == ((ONE, 7),)


@pytest.mark.parametrize(
    'fate', [Fate.FAILED, Fate.CHANGED, Fate.REFUSED, Fate.FORBIDDEN]
)
def test_what_has_failed_is_left(fate):
    assert read(start(ONE), end(ONE, fate)).left == PLAN.waves


def test_only_the_last_plan_counts():
    other = Planned(((make_task(1, 'two'),),), reached=False)
    record = read(
        start(ONE), end(ONE), lambda lines: journal.plan(lines, other)
    )
    assert (record.left, record.reached) == (other.waves, False)


def test_all_that_began_is_told_with_its_time():
    record = read(start(ONE), end(ONE), start(AGAIN))
    assert [task for _, task in record.starts] == [ONE, AGAIN]
    assert record.starts[0][0] == 1795316400.0


def test_a_last_line_that_is_torn_is_left_out():
    lines = Lines()
    journal.begin(lines, GOAL)
    journal.plan(lines, PLAN)
    whole = text(lines)
    assert journal.read(whole + '{"at": "2026', 'file').left == PLAN.waves


@pytest.mark.parametrize(
    ('told', 'words'),
    [
        ('', 'file: is no journal: it does not begin'),
        ('{}\n', "line 1 is none of a journal (KeyError: 'event')"),
        ('[]\n', 'line 1 is none of a journal (TypeError: '),
        ('x\n', 'line 1 is none of a journal (JSONDecodeError: '),
        ('{"event": "plan"}\n', 'line 1 is none of a journal (ValueError: '),
        (
            '{"event": "begin", "version": 2, "goal": {}}\n',
            'version 2 is not known',
        ),
        (
            '{"event": "begin", "version": 1, "goal": {}}\n'
            '{"event": "end", "step": 5, "fate": "done"}\n',
            'line 2 is none of a journal (ValueError: step 5 is in no plan)',
        ),
        (
            '{"event": "begin", "version": 1, "goal": {}}\n'
            '{"event": "plan", "reached": 1, "waves": [[{"shape": {}}]]}\n',
            'line 2 is none of a journal (TypeError: ',
        ),
    ],
    ids=range(8),
)
def test_what_is_no_journal_is_told_by_its_line(told, words):
    with pytest.raises(JournalError) as raised:
        journal.read(told, 'file')
    assert words in str(raised.value)
    assert '\n' not in str(raised.value)


def resumed(*write, stage=None):
    """Have a session go on with a journal; gives the stage and the report."""
    stage = stage or Stage(ONE, TWO, THREE)
    if 'three' in stage.cloud.servers:
        stage.cloud.change('three', vm_state='active')
    report = stage.session().resume(read(*write))
    return stage, report


def test_who_goes_on_does_what_is_left():
    stage = Stage(ONE, TWO, THREE, AGAIN)
    stage.cloud.change('one', host='b')
    stage, report = resumed(start(ONE), end(ONE), stage=stage)
    assert report.is_done
    assert stage.cloud.asked == [
        *(('two', 'b'), ('three', 'b'), ('three', 'confirm')),
        ('one', 'c'),
    ]


def test_who_goes_on_first_follows_what_is_under_way():
    stage = Stage(ONE, TWO, THREE, AGAIN)
    stage.cloud.migrate(ONE)
    stage.cloud.asked.clear()
    stage, report = resumed(start(ONE), stage=stage)
    assert report.is_done
    assert report.done[0] == ONE
    assert ('one', 'b') not in stage.cloud.asked


def test_what_had_not_begun_after_all_is_told():
    _, report = resumed(start(ONE))
    ((task, ended),) = report.troubles
    assert (task, ended.fate) == (ONE, Fate.REFUSED)
    assert ended.why == 'it had not begun'
    assert report.left == [TWO, THREE, AGAIN]
