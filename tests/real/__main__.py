"""Run the tests of this directory where whatever they start ends with them::

    python -m tests.real [arguments of pytest]

Processes, mounts and network devices are in namespaces of the run, so that the
kernel removes them, however it ends. What is not is put back here: the number
of huge pages of the machine, and a directory on its disk.
"""

import contextlib
import os
import pathlib
import sys

from tests import contained
from tests.real import machine

# As large as two guests, with something to spare.
HUGE_PAGES = 48
TESTS = pathlib.Path(__file__).parent
PYTEST = ('-m', 'pytest', '-p', 'no:cacheprovider', '--show-capture=no')


def main():
    """Run pytest; end as it does."""
    reason = machine.why_not()
    if reason:
        sys.exit(reason)
    contained.end_by_signals()
    with _huge_pages(), contained.directory() as disk:
        sys.exit(
            contained.run(
                *(sys.executable, *PYTEST, *contained.arguments(TESTS)),
                env={**os.environ, 'REAL_HOSTS_DISK': disk},
            )
        )


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
