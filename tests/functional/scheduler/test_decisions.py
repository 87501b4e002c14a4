"""Workers of nova-scheduler with options that must change no decision."""

import pathlib
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.long

ROOT = pathlib.Path(__file__).parents[3]
CASES = 300


def test_topologies_left_unread_change_no_decision():
    """Hosts, alternates, limits, allocations and claims, to the byte."""
    done = subprocess.run(
        [
            *(sys.executable, '-m', 'benchmarks.lazy'),
            *('--cases', str(CASES), '--hosts', '8', '--seed', '1'),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    told = re.search(
        r'(\d+) requests, (\d+) of them placed, (\d+) diff', done.stdout
    )
    assert told, done.stdout
    cases, placed, differ = map(int, told.groups())
    assert (cases, differ, done.returncode) == (CASES, 0, 0), done.stdout
    assert placed > CASES / 2
