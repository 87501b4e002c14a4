"""The program runs with each release of Nova."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(sys.prefix, 'bin', 'numa-sched-status')
# What the tests are run with, and operators' shells are not.
UNSET = 'OS_NOVA_DISABLE_EVENTLET_PATCHING', 'PYTHONWARNINGS'


@pytest.fixture
def ran(tmp_path):
    """The program, after it was run with an empty configuration."""
    empty = tmp_path / 'nova.conf'
    empty.touch()
    return subprocess.run(
        [PROGRAM, '--config-file', empty, 'upgrade', 'check', '--json'],
        capture_output=True,
        text=True,
        env={
            name: value
            for name, value in os.environ.items()
            if name not in UNSET
        },
    )


def test_what_a_configuration_does_not_tell_is_a_result_too(ran):
    assert 'Traceback' not in ran.stderr
    told = {
        each['check']: each['details']
        for each in json.loads(ran.stdout)['checks']
    }
    assert told['Place of the driver'] is None
    assert told['Nova release'] is None
    assert 'Add numa_sched.nova.all_filters' in told['Host filters']
    assert 'This cannot be checked' in told['Compute services']


def test_no_release_takes_it_for_a_service_and_warns_of_its_threads(ran):
    assert 'threading' not in ran.stderr
