"""How often Python looks for garbage, in a process of its own."""

import subprocess
import sys

import pytest

from numa_sched.nova import all_filters
from numa_sched.nova.scheduler import collector

ASK = """
import gc
from numa_sched.nova.scheduler import collector
before = gc.get_threshold()
collector.look_after({objects})
print(*before, *gc.get_threshold(), gc.get_freeze_count() > 1000)
"""


def after(objects):
    """Give what a process tells that was set up so."""
    done = subprocess.run(
        [sys.executable, '-c', ASK.format(objects=objects)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.split()


def test_nothing_is_changed_unless_it_is_asked_for():
    *told, frozen = after(0)
    assert told[:3] == told[3:]
    assert frozen == 'False'


def test_what_is_there_is_frozen_and_the_rest_looked_through_later():
    *told, frozen = after(50_000)
    assert told[3:] == ['50000', *told[1:3]]
    assert frozen == 'True'


@pytest.mark.parametrize('objects', [0, 5])
def test_nova_scheduler_sets_it_up_as_the_option_says(
    option, monkeypatch, objects
):
    asked = []
    monkeypatch.setattr(collector, 'look_after', asked.append)
    monkeypatch.setattr(
        'nova.scheduler.request_filter.ALL_REQUEST_FILTERS', []
    )
    option('collect_after', objects)
    all_filters()
    assert asked == [objects]
