"""Nova's own tests of live migration pass with our driver."""

import pytest

from tests.functional.libvirt import upstream

PLACE = 'nova.tests.functional.libvirt'


@pytest.mark.parametrize(
    ('module', 'tests'),
    [
        ('test_numa_live_migration', 13),
        ('test_live_migration', 6),
        ('test_power_manage', 4),
        ('test_stateless_firmware', 1),
    ],
)
def test_live_migration(module, tests):
    assert upstream.passing(f'{PLACE}.{module}') == tests
