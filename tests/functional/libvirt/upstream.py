"""Nova's own tests, as its wheel ships them, with our driver in its place.

A program of its own, since it changes Nova for the whole process. Under
eventlet: with native threads one of these tests can block itself for good,
whatever the driver (its periodic tasks wait for a lock of Nova's fixtures)::

    export OS_NOVA_DISABLE_EVENTLET_PATCHING=false
    python -m tests.functional.libvirt.upstream \\
        nova.tests.functional.libvirt.test_numa_live_migration
"""

from nova.tests.functional import integrated_helpers  # isort: skip # noqa: F401

import os
import subprocess
import sys
import unittest

import nova.conf.paths
import nova.virt.libvirt

from numa_sched.nova.libvirt import LibvirtDriver


def passing(module):
    """Give how many tests of live migration in a module pass.

    :raises AssertionError: if one fails, or our driver migrates nothing
    """
    done = subprocess.run(
        [
            *(sys.executable, '-m', __name__, module),
            *('-k', 'live_migrat', '-k', 'LiveMigrat'),
        ],
        env={**os.environ, 'OS_NOVA_DISABLE_EVENTLET_PATCHING': 'false'},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    tests, migrations = map(int, done.stdout.split()[-4::2])
    assert migrations
    return tests


def main():
    """Run the tests that are named; tell how often our driver migrated.

    Exits with 1 if any fails.
    """
    # The wheel has api-paste.ini in the prefix, the tests look beside Nova.
    nova.conf.paths.state_path_def = lambda path: os.path.join(
        sys.prefix, path
    )
    migrated = []

    class Counted(LibvirtDriver):
        def _live_migration(self, context, instance, *args, **kwargs):
            migrated.append(instance.uuid)
            super()._live_migration(context, instance, *args, **kwargs)

    nova.virt.libvirt.LibvirtDriver = Counted
    result = unittest.main(module=None, exit=False).result
    print(result.testsRun, 'tests,', len(migrated), 'migrations')
    return 0 if result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main())
