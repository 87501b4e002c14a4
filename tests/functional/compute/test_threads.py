"""Migrations at the same time, under both kinds of threads that Nova has."""

import json
import os
import subprocess
import sys

import pytest

ROUNDS = 4


@pytest.mark.parametrize(
    'threads', [pytest.param('native', marks=pytest.mark.newest), 'eventlet']
)
def test_servers_under_way_at_once_never_see_each_other_s_flags(threads):
    native = str(threads == 'native')
    printed = subprocess.run(
        [
            sys.executable,
            '-m',
            'tests.functional.compute.opposites',
            str(ROUNDS),
        ],
        env={**os.environ, 'OS_NOVA_DISABLE_EVENTLET_PATCHING': native},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    ).stdout
    found = json.loads(printed.splitlines()[-1])
    assert found == {
        'threads': threads,
        'seen': {
            'converging': [[True, False, 'suspend']] * ROUNDS,
            'copying': [[False, True, 'post-copy']] * ROUNDS,
        },
    }
