"""The program runs with each release of Nova."""

import json
import pathlib
import subprocess
import sys

PROGRAM = pathlib.Path(sys.prefix, 'bin', 'numa-sched-status')


def test_what_a_configuration_does_not_tell_is_a_result_too(tmp_path):
    empty = tmp_path / 'nova.conf'
    empty.touch()
    ran = subprocess.run(
        [PROGRAM, '--config-file', empty, 'upgrade', 'check', '--json'],
        capture_output=True,
        text=True,
    )
    assert 'Traceback' not in ran.stderr
    told = {
        each['check']: each['details']
        for each in json.loads(ran.stdout)['checks']
    }
    assert told['Place of the driver'] is None
    assert told['Nova release'] is None
    assert 'Add numa_sched.nova.all_filters' in told['Host filters']
    assert 'This cannot be checked' in told['Compute services']
