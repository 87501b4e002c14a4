"""Plans carried out by a cloud that answers as a script has it."""

import pytest

from numa_sched.carry import Fate, Planned
from numa_sched.exceptions import (
    ForbiddenError,
    OutputError,
    SourceError,
)
from tests.unit.carry.scripted import (
    NEVER,
    REFUSED,
    SILENT,
    Stage,
    make_task,
)

GOAL = {'command': 'drain', 'hosts': ['a']}
ONE, TWO = make_task(1, 'one'), make_task(2, 'two')
THREE = make_task(3, 'three')
TOGETHER = ((ONE, TWO),)
APART = ((ONE,), (TWO,), (THREE,))


def carry(waves, scripts=(), **means):
    """Carry waves out without another plan; gives stage and report."""
    stage = Stage(*(task for wave in waves for task in wave), **means)
    for name, script in dict(scripts).items():
        stage.cloud.scripts[name] = [script]
    report = stage.session().begin(GOAL, Planned(waves))
    return stage, report


def test_all_steps_are_done_wave_by_wave():
    stage, report = carry(APART)
    assert report.is_done
    assert report.done == [ONE, TWO, THREE]
    assert stage.cloud.most_at_once == 1
    assert [server.host for server in stage.cloud.servers.values()] == (
        ['b', 'b', 'b']
    )


def test_the_steps_of_a_wave_run_together():
    stage, report = carry(TOGETHER)
    assert report.is_done
    assert stage.cloud.most_at_once == 2


def test_how_much_memory_remains_is_told():
    stage, _ = carry(((ONE,),))
    assert stage.notes == [
        ('began', 'one'),
        ('copied', 'one', 512),
        ('done', 'one'),
    ]


def test_each_step_is_in_the_journal_before_and_after_it():
    stage, _ = carry(APART[:2])
    assert stage.journal.events() == [
        *('begin', 'plan', 'start', 'end', 'start', 'end', 'over'),
    ]
    assert stage.journal[0]['goal'] == GOAL


def test_what_the_journal_does_not_take_is_not_begun():
    stage = Stage(ONE)
    stage.journal.fails_at = 'start'
    report = stage.session().begin(GOAL, Planned(((ONE,),)))
    assert stage.cloud.asked == []
    assert report.why == 'journal: no space left'
    assert report.left == [ONE]


def test_where_the_journal_takes_no_more_what_has_begun_is_followed():
    stage = Stage(ONE, TWO)
    stage.journal.fails_at, stage.journal.fails_from = 'start', 2
    report = stage.session().begin(GOAL, Planned(TOGETHER))
    assert stage.cloud.asked == [('one', 'b')]
    assert (report.done, report.left) == ([ONE], [TWO])


def test_without_a_journal_nothing_is_done():
    stage = Stage(ONE)
    stage.journal.fails_at = 'begin'
    with pytest.raises(OutputError):
        stage.session().begin(GOAL, Planned(((ONE,),)))
    assert stage.cloud.asked == []


def test_a_journal_that_breaks_lets_what_is_under_way_finish():
    stage = Stage(ONE, TWO, THREE)
    stage.journal.fails_at = 'end'
    waves = ((ONE, TWO), (THREE,))
    report = stage.session().begin(GOAL, Planned(waves))
    assert report.done == [ONE, TWO]
    assert report.left == [THREE]
    assert report.why == 'journal: no space left'


@pytest.mark.parametrize('script', ['fails', 'breaks', NEVER, REFUSED])
def test_a_step_that_fails_stops_what_has_not_begun(script):
    waves = ((THREE, ONE, TWO), (make_task(4, 'four'),))
    stage, report = carry(waves, {'one': script})
    begun = [name for name, _ in stage.cloud.asked]
    assert set(begun) <= {'three', 'one', 'two'}
    assert 'four' not in begun
    assert THREE in report.done
    assert not report.is_done
    assert report.why == 'things are not as planned any more'


def test_a_step_that_does_not_begin_stops_its_wave():
    stage, report = carry(TOGETHER, {'one': REFUSED})
    assert [name for name, _ in stage.cloud.asked] == ['one']
    assert report.left == [TWO]
    assert stage.journal.fates() == ['refused']


def test_of_a_step_that_fails_nova_tells_why():
    _, report = carry(((ONE,),), {'one': 'fails'})
    ((_, ended),) = report.troubles
    assert ended.why == 'its migration has the status error: no reason'


def test_a_server_in_error_is_told_with_its_fault():
    _, report = carry(((ONE,),), {'one': 'breaks'})
    ((_, ended),) = report.troubles
    assert ended.why == 'the server is in error: it is lost'


def test_what_is_forbidden_leads_to_no_other_plan():
    stage = Stage(ONE)
    stage.cloud.scripts['one'] = [ForbiddenError('HTTP 403: no', 403)]

    def replan(avoid):
        raise AssertionError('it was asked for')

    report = stage.session(replan).begin(GOAL, Planned(((ONE,),)))
    assert report.why == 'the cloud does not allow it'


def test_a_step_that_began_without_an_answer_is_not_asked_for_again():
    waves = (TOGETHER[0], (THREE,))
    stage, report = carry(waves, {'one': 'completes without an answer'})
    assert report.is_done
    assert [name for name, _ in stage.cloud.asked] == ['one', 'two', 'three']


def test_what_is_in_doubt_is_cleared_up_before_the_next_step():
    stage, _ = carry(TOGETHER, {'one': 'completes without an answer'})
    assert stage.cloud.most_at_once == 1


def test_without_an_answer_and_a_migration_nothing_has_begun():
    stage, report = carry(((ONE,),), {'one': SILENT})
    assert stage.journal.fates() == ['refused']
    assert stage.clock.now >= 5
    assert not report.unknown


def test_a_cloud_that_stays_silent_leaves_a_step_unknown():
    stage = Stage(ONE, TWO)
    stage.clock.at_sleep[1.0].append(
        lambda: setattr(stage.cloud, 'silent', True)
    )
    report = stage.session().begin(GOAL, Planned(((ONE,), (TWO,))))
    assert report.unknown == [ONE]
    assert report.left == [TWO]
    assert report.why == 'the cloud does not answer'
    assert stage.journal.fates() == ['unknown']
    assert 20 <= stage.clock.now < 30


def test_a_cloud_that_is_silent_for_a_while_is_waited_for():
    stage = Stage(ONE)
    for when, silent in ((1.0, True), (15.0, False)):
        stage.clock.at_sleep[when].append(
            lambda silent=silent: setattr(stage.cloud, 'silent', silent)
        )
    assert stage.session().begin(GOAL, Planned(((ONE,),))).is_done


def test_a_migration_of_somebody_else_is_not_taken_for_the_step():
    stage = Stage(ONE)
    finish = stage.cloud._finish

    def and_another(uuid, *more):
        finish(uuid, *more)
        stage.cloud.note(uuid, 'running')

    stage.cloud._finish = and_another
    assert stage.session().begin(GOAL, Planned(((ONE,),))).is_done


def test_a_server_that_has_gone_elsewhere_is_not_done():
    _, report = carry(((ONE,),), {'one': 'strays'})
    ((_, ended),) = report.troubles
    assert ended.why == 'it is on elsewhere after all'


def test_a_long_migration_may_be_over_before_its_server_is_at_rest():
    stage = Stage(ONE)
    stage.cloud.looks = 30
    stage.cloud.scripts['one'] = ['lingers']
    assert stage.session().begin(GOAL, Planned(((ONE,),))).is_done
    assert stage.cloud.servers['one'].host == 'b'


def test_silence_counts_from_the_last_answer():
    stage = Stage(ONE)
    stage.cloud.looks = 30
    for when, silent in ((25.0, True), (30.0, False)):
        stage.clock.at_sleep[when].append(
            lambda silent=silent: setattr(stage.cloud, 'silent', silent)
        )
    assert stage.session().begin(GOAL, Planned(((ONE,),))).is_done


def test_a_server_that_is_deleted_meanwhile_is_gone():
    _, report = carry(((ONE,),), {'one': 'is deleted'})
    ((_, ended),) = report.troubles
    assert ended.fate is Fate.GONE


def test_an_older_migration_is_not_taken_for_the_step():
    stage = Stage(ONE)
    stage.cloud.note('one', 'error')
    stage.cloud.note('one', 'completed')
    assert stage.session().begin(GOAL, Planned(((ONE,),))).is_done
    assert stage.journal[2]['before'] == 2


COLD = make_task(1, 'one', live=False, vm_state='stopped')


def cold_stage():
    stage = Stage(COLD)
    stage.cloud.change('one', vm_state='stopped')
    return stage


def test_a_cold_migration_is_confirmed():
    stage = cold_stage()
    assert stage.session().begin(GOAL, Planned(((COLD,),))).is_done
    assert stage.cloud.asked == [('one', 'b'), ('one', 'confirm')]
    assert stage.cloud.servers['one'].vm_state == 'stopped'


def test_a_confirmation_that_fails_is_tried_again():
    stage = cold_stage()
    stage.cloud.scripts['confirm one'] = [SILENT, REFUSED]
    assert stage.session().begin(GOAL, Planned(((COLD,),))).is_done


def test_a_confirmation_that_never_succeeds_is_left_to_the_operator():
    stage = cold_stage()
    stage.cloud.scripts['confirm one'] = [SILENT] * 9
    report = stage.session().begin(GOAL, Planned(((COLD,),)))
    ((_, ended),) = report.troubles
    assert 'openstack server migration confirm one' in ended.why
    assert stage.cloud.asked.count(('one', 'confirm')) == 5


def test_an_interrupt_lets_what_is_under_way_finish():
    stops = []
    stage = Stage(ONE, TWO, stop=lambda: stops[0] if stops else None)
    stage.clock.at_sleep[1.0].append(lambda: stops.append('Ctrl-C'))
    report = stage.session().begin(GOAL, Planned(((ONE,), (TWO,))))
    assert report.done == [ONE]
    assert report.left == [TWO]
    assert report.why == 'Ctrl-C'


def test_an_interrupt_keeps_another_plan_from_being_made():
    stops = []
    stage = Stage(ONE, stop=lambda: stops[0] if stops else None)
    stage.cloud.scripts['one'] = ['fails']
    stage.clock.at_sleep[1.0].append(lambda: stops.append('Ctrl-C'))

    def replan(avoid):
        raise AssertionError('it was asked for')

    report = stage.session(replan).begin(GOAL, Planned(((ONE,),)))
    assert report.why == 'Ctrl-C'


def test_what_nobody_waits_for_is_unknown():
    stage = Stage(ONE, TWO)

    def interrupt():
        raise KeyboardInterrupt

    stage.clock.at_sleep[1.0].append(interrupt)
    session = stage.session()
    with pytest.raises(KeyboardInterrupt):
        session.begin(GOAL, Planned(((ONE,), (TWO,))))
    report = session.interrupt()
    assert report.unknown == [ONE]
    assert report.left == [TWO]
    assert not report.is_done


def test_a_step_that_is_held_back_ends_it():
    stage = Stage(ONE, TWO, hold=lambda task: 'later' if task is TWO else None)
    report = stage.session().begin(GOAL, Planned(((ONE,), (TWO,))))
    assert (report.done, report.left, report.why) == ([ONE], [TWO], 'later')


def test_each_step_that_begins_is_counted():
    spent = []
    carry(APART, {'two': REFUSED}, spend=spent.append)
    assert spent == [ONE, TWO]


class Plans:
    """Gives other plans, one after the other, and keeps what is asked."""

    def __init__(self, *waves, reached=True):
        self.left, self.reached = list(waves), reached
        self.avoided = []

    def __call__(self, avoid):
        self.avoided.append(avoid)
        waves = self.left.pop(0)
        return None if waves is None else Planned(waves, self.reached)


def test_a_destination_that_refuses_is_avoided_by_the_next_plan():
    other = make_task(1, 'one', destination='c')
    stage = Stage(ONE, other)
    stage.cloud.scripts['one'] = ['fails']
    plans = Plans(((other,),))
    report = stage.session(plans).begin(GOAL, Planned(((ONE,),)))
    assert report.is_done
    assert plans.avoided == [{('one', 'b')}]
    assert stage.cloud.servers['one'].host == 'c'
    assert stage.journal.events().count('plan') == 2


@pytest.mark.parametrize('script', [REFUSED, SILENT])
def test_an_api_that_errs_says_nothing_about_the_destination(script):
    stage = Stage(ONE)
    stage.cloud.scripts['one'] = [script]
    plans = Plans(((ONE,),))
    assert stage.session(plans).begin(GOAL, Planned(((ONE,),))).is_done
    assert plans.avoided == [frozenset()]


def test_what_has_changed_leads_to_another_plan_and_not_to_a_step():
    stage = Stage(ONE, TWO)
    stage.cloud.change('one', locked=True)
    plans = Plans(((TWO,),), reached=False)
    report = stage.session(plans).begin(GOAL, Planned(((ONE,), (TWO,))))
    assert stage.cloud.asked == [('two', 'b')]
    assert report.is_done
    assert not report.reached


def test_other_plans_are_made_so_many_times():
    stage = Stage(ONE)
    stage.cloud.scripts['one'] = ['fails'] * 9
    plans = Plans(*[((ONE,),)] * 9)
    report = stage.session(plans, most_plans=2).begin(GOAL, Planned(((ONE,),)))
    assert len(plans.avoided) == 2
    assert report.why == (
        'things were not as planned, and no more plans are made'
    )


def test_without_another_plan_it_ends():
    stage = Stage(ONE)
    stage.cloud.change('one', locked=True)
    report = stage.session(Plans(None)).begin(GOAL, Planned(((ONE,),)))
    assert report.why == 'things are not as planned any more'


def test_why_no_other_plan_can_be_made_is_told():
    stage = Stage(ONE)
    stage.cloud.change('one', locked=True)

    def replan(avoid):
        raise SourceError('the database is away')

    report = stage.session(replan).begin(GOAL, Planned(((ONE,),)))
    assert report.why == ('no other plan could be made: the database is away')
