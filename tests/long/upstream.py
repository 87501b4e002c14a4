"""Nova's own tests, as its wheel ships them, with our driver in its place.

A program of its own, since it changes Nova for the whole process. Prints, as
JSON, how many tests each module has run and how often our driver migrated in
them. A test that stands still ends it, telling where each thread stands::

    OS_NOVA_DISABLE_EVENTLET_PATCHING=true \\
        python -m tests.long.upstream \\
        nova.tests.functional.libvirt.test_numa_live_migration
"""

from nova.tests.functional import integrated_helpers  # isort: skip # noqa: F401

import collections
import faulthandler
import json
import os
import subprocess
import sys
import time
import unittest

import fixtures
import nova.conf.paths
import nova.test
import nova.virt.libvirt

from numa_sched.nova.compute.libvirt import LibvirtDriver
from tests.cloud.cells import OneCell

PLACE = 'nova.tests.functional.libvirt'
# A test takes some 5 s on a quiet machine.
LIMIT_SECONDS = 400
MOST_BUSY = 5
# Less than the limit, so that who asks in vain is told apart from who waits.
RPC_SECONDS = 200


def passing(*modules):
    """Give how many tests of live migration pass, by module.

    :param modules: names in Nova's functional tests of libvirt
    :raises AssertionError: if one fails or stands still, or our driver
        migrates nothing in a module
    """
    done = subprocess.run(
        [
            *(sys.executable, '-m', __name__),
            *(f'{PLACE}.{module}' for module in modules),
            *('-k', 'live_migrat', '-k', 'LiveMigrat'),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-20000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert all(each['migrations'] for each in told.values()), told
    return {
        name.removeprefix(f'{PLACE}.'): each['tests']
        for name, each in told.items()
    }


class Limited(unittest.TextTestResult):
    """Counts the tests of each module, and lets none stand still."""

    told = collections.defaultdict(collections.Counter)
    module = None

    def startTest(self, test):
        faulthandler.dump_traceback_later(
            LIMIT_SECONDS, exit=True, file=sys.__stderr__
        )
        super().startTest(test)
        type(self).module = type(test).__module__
        self.told[self.module]['tests'] += 1


class Counted(LibvirtDriver):
    """Our driver; tells which module it has migrated for."""

    def _live_migration(self, *args, **kwargs):
        Limited.told[Limited.module]['migrations'] += 1
        super()._live_migration(*args, **kwargs)


class Patience:
    """Sleeps, in place of ``time``, longer and longer for one who waits.

    Nova's tests look ten times, half a second apart, and give up. What they
    then leave under way waits for an answer from a service that has ended.
    Here ten looks take half a minute, or as much longer as the machine has
    more to do than it can; the first two come sooner.
    """

    def __init__(self):
        self.waiting = None
        self.looks = 0

    def sleep(self, seconds):
        caller = sys._getframe(1)
        self.looks = self.looks + 1 if caller is self.waiting else 1
        self.waiting = caller
        share = os.getloadavg()[0] / os.cpu_count()
        busy = min(max(1, share), MOST_BUSY)
        time.sleep(seconds * busy * min(self.looks, 10) ** 2 / 5)


class Steady(fixtures.Fixture):
    """Has each test of Nova's end for a reason, and not for a slow machine."""

    def _setUp(self):
        stock = nova.test.TestCase.setUp

        def set_up(case):
            stock(case)
            case.flags(long_rpc_timeout=RPC_SECONDS)

        for name, value in (
            ('nova.test.TestCase.setUp', set_up),
            ('nova.tests.functional.integrated_helpers.time', Patience()),
        ):
            self.useFixture(fixtures.MonkeyPatch(name, value))


def main():
    """Run the tests that are named; give 1 if any fails."""
    # The wheel has api-paste.ini in the prefix, the tests look beside Nova.
    nova.conf.paths.state_path_def = lambda path: os.path.join(
        sys.prefix, path
    )
    nova.virt.libvirt.LibvirtDriver = Counted
    with OneCell(), Steady():
        result = unittest.main(
            module=None,
            exit=False,
            testRunner=unittest.TextTestRunner(
                resultclass=Limited, verbosity=2
            ),
        ).result
    print(json.dumps(Limited.told))
    return 0 if result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main())
