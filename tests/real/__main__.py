"""Install the package as the README says, and run the tests of this directory.

They run where whatever they start ends with them::

    python -m tests.real [arguments of pytest]

Those with a cloud and the others, which wait most of the time, run beside each
other if all are wanted; what the others print comes in the end. Processes,
mounts and network devices are in namespaces of the run, so that the kernel
removes them, however it ends. What is not is put back here: the number of huge
pages of the machine, and a directory on its disk.
"""

import contextlib
import pathlib
import sys
import tempfile

from tests import contained
from tests.real import machine
from tests.services import install

# As large as two guests, with something to spare.
HUGE_PAGES = 48
TESTS = pathlib.Path(__file__).parent
CLOUD = TESTS / 'cloud'
PYTEST = ('-m', 'pytest', '-p', 'no:cacheprovider', '--show-capture=no')


def main():
    """Run pytest; end as it does."""
    reason = machine.why_not()
    if reason:
        sys.exit(reason)
    contained.end_by_signals()
    install.install()
    given = contained.arguments(TESTS)
    with _huge_pages(), contained.directory() as disk:
        if given[-1] != str(TESTS):
            sys.exit(contained.wait(_start(disk, 'named', *given)))
        sys.exit(_run_all(disk, *given[:-1]))


def _run_all(disk, *given):
    """Run those with a cloud beside the others, and give the exit status."""
    with tempfile.TemporaryFile() as output:
        cloud = _start(disk, 'cloud', *given, str(CLOUD))
        others = _start(
            *(disk, 'others', *given, str(TESTS), f'--ignore={CLOUD}'),
            output=output,
        )
        status = contained.wait(cloud, others)
        output.seek(0)
        sys.stdout.write(output.read().decode(errors='replace'))
    return status


def _start(disk, name, *arguments, output=None):
    own = pathlib.Path(disk, name)
    own.mkdir(mode=0o755)
    return contained.start(
        *(sys.executable, *PYTEST, *arguments),
        env={**install.environment(), 'REAL_HOSTS_DISK': str(own)},
        output=output,
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
