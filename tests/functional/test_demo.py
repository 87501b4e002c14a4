"""The demo, as a user runs it."""

import subprocess
import sys


def test_every_step_comes_out_as_told():
    ended = subprocess.run(
        [sys.executable, '-m', 'demo'],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert 'Every step came out as told.' in ended.stdout
    asked = [
        line for line in ended.stdout.splitlines() if line.startswith('$ ')
    ]
    assert asked == [
        '$ numa-sched explain --flavor pinned.64',
        '$ numa-sched map node3',
        '$ numa-sched capacity --flavor pinned.8',
        '$ numa-sched capacity --flavor pinned.8',
    ]
