"""Run the tests of this directory where whatever they start ends with them::

    python -m tests.real [arguments of pytest]

Processes, mounts and network devices are in namespaces of the run, so that the
kernel removes them, however it ends. What is not is put back here: the number
of huge pages of the machine, and a directory on its disk.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

from tests.real import machine

# As large as two guests, with something to spare.
HUGE_PAGES = 48
DISK = '/var/tmp'
TESTS = pathlib.Path(__file__).parent
PYTEST = ('-m', 'pytest', '-p', 'no:cacheprovider', '--show-capture=no')
# The first process of its namespace, which has to wait for orphans: libvirt
# does until they are gone.
INIT = ('sh', '-c', '"$@"; exit $?', 'sh')


def main():
    """Run pytest; end as it does."""
    reason = machine.why_not()
    if reason:
        sys.exit(reason)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    with (
        _huge_pages(),
        tempfile.TemporaryDirectory(prefix='numa-sched-', dir=DISK) as disk,
    ):
        pathlib.Path(disk).chmod(0o755)
        sys.exit(_run(disk))


def _run(disk):
    arguments = sys.argv[1:]
    if not any(os.path.exists(each.split('::')[0]) for each in arguments):
        arguments.append(str(TESTS))
    process = subprocess.Popen(
        [
            # Ends with us even if we are killed.
            *('setpriv', '--pdeathsig', 'KILL'),
            *('unshare', *machine.NAMESPACES, '--kill-child'),
            *('--mount-proc', *INIT, sys.executable, *PYTEST, *arguments),
        ],
        env={**os.environ, 'REAL_HOSTS_DISK': disk},
    )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # pytest has been told too, and ends what it has begun.
            continue
        except SystemExit:
            process.kill()
            process.wait()
            raise


@contextlib.contextmanager
def _huge_pages():
    """Have as many huge pages more, of the machine's default size."""
    before = int(machine.HUGE_PAGES.read_text())
    machine.HUGE_PAGES.write_text(str(before + HUGE_PAGES))
    try:
        if int(machine.HUGE_PAGES.read_text()) < before + HUGE_PAGES:
            sys.exit(f'There are no {HUGE_PAGES} huge pages to be had.')
        yield
    finally:
        machine.HUGE_PAGES.write_text(str(before))


if __name__ == '__main__':
    main()
