"""The demo, as a user runs it."""

import subprocess
import sys

import pytest

from tests.functional import documents


@pytest.fixture(scope='module')
def demo():
    """What it prints."""
    ended = subprocess.run(
        [sys.executable, '-m', 'demo'],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return ended.stdout


def test_every_step_comes_out_as_told(demo):
    assert 'Every step came out as told.' in demo


def test_it_ends_with_what_an_operator_asks(demo):
    asked = [line for line in demo.splitlines() if line.startswith('$ ')]
    assert asked == [
        '$ numa-sched explain --flavor pinned.64',
        '$ numa-sched map node3',
        '$ numa-sched capacity --flavor pinned.8',
        '$ numa-sched capacity --flavor pinned.8',
    ]


SHOWN = documents.blocks('text', document='request.rst')


def test_what_the_page_of_a_request_shows_is_what_it_prints(demo):
    printed = {line.strip() for line in demo.splitlines()}
    shown = {
        line.strip() for block in SHOWN for line in block.text.splitlines()
    }
    assert len(SHOWN) == 6
    assert shown <= printed
