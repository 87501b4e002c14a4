"""What differs between releases of Nova, with all but the newest.

Each stands before the newest one on Python's path and has what that one needs
beside it, which saves making an environment of its own; ``tox -m releases``
has such ones::

    python -m tests.older

With arguments it does nothing: somebody wants other tests.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from numa_sched.nova import releases

TESTS = (
    'tests/property/test_claims.py',
    'tests/functional/api/test_changes.py',
    'tests/functional/compute/test_each_release.py',
    'tests/functional/status/test_program.py',
)
PIP = (sys.executable, '-m', 'pip', 'install', '-q', '--no-deps')
PYTEST = (sys.executable, '-m', 'pytest', '--show-capture=no')
WHICH = 'NOVA_RELEASE'
# Of each property.
EXAMPLES = 120


def main():
    """Run the tests with each release, all at a time.

    :returns: 0 if all have ended well, 1 otherwise
    """
    if sys.argv[1:]:
        return 0
    with tempfile.TemporaryDirectory() as directory:
        runs = {}
        for version in releases.TESTED[:-1]:
            print(f'Tests begin with Nova {version}.', flush=True)
            runs[version] = _start(version, pathlib.Path(directory, version))
        for version, process in runs.items():
            printed, _ = process.communicate()
            print(f'Nova {version}:\n{printed}', flush=True)
    # One that a signal has ended has a negative code.
    return int(any(process.returncode for process in runs.values()))


def install(version, where):
    """Have a release of Nova be in a directory, and nothing else."""
    subprocess.run([*PIP, '--target', where, f'nova=={version}'], check=True)


def _start(version, where):
    """Start the tests with a release, and give the process."""
    install(version, where)
    environment = os.environ | {
        'EXAMPLES': str(EXAMPLES),
        WHICH: version,
        # Before what the run itself is told, if that is anything.
        'PYTHONPATH': os.pathsep.join(
            filter(None, [str(where), os.environ.get('PYTHONPATH')])
        ),
    }
    # What kind of threads it takes differs.
    environment.pop('OS_NOVA_DISABLE_EVENTLET_PATCHING', None)
    return subprocess.Popen(
        [*PYTEST, '-p', 'no:warnings', *TESTS],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == '__main__':
    sys.exit(main())
