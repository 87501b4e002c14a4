"""The order of the test files: workers end together if long ones start."""

import pathlib

# Those that take more than half a minute, the longest first.
LONG = (
    'libvirt/test_wishes.py',
    'test_prediction.py',
    'libvirt/test_upstream_devices.py',
    'libvirt/test_upstream.py',
    'test_policy.py',
    'test_destination.py',
    'test_destinations.py',
    'libvirt/test_completing.py',
    'test_candidates.py',
    'libvirt/test_threads.py',
    'test_api.py',
    'test_api_changes.py',
    'test_live_migration.py',
)
FUNCTIONAL = pathlib.Path(__file__).parent / 'functional'
PLACES = {FUNCTIONAL / name: place for place, name in enumerate(LONG)}


def pytest_collection_modifyitems(items):
    """Sort by file; what is not named keeps its place after those."""
    items.sort(key=lambda item: PLACES.get(item.path, len(LONG)))
