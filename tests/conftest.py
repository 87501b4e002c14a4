"""The order of the test files: workers end together if long ones start."""

import pathlib

# Those that take more than half a minute, the longest first.
LONG = (
    'compute/test_wishes.py',
    'scheduler/test_prediction.py',
    'compute/test_upstream.py',
    'scheduler/test_policy.py',
    'scheduler/test_destination.py',
    'scheduler/test_destinations.py',
    'compute/test_completing.py',
    'status/test_command.py',
    'cli/test_commands.py',
    'osc/test_host.py',
    'osc/test_candidates.py',
    'osc/test_request.py',
    'scheduler/test_candidates.py',
    'compute/test_threads.py',
    'api/test_create.py',
    'api/test_changes.py',
    'test_live_migration.py',
)
FUNCTIONAL = pathlib.Path(__file__).parent / 'functional'
PLACES = {FUNCTIONAL / name: place for place, name in enumerate(LONG)}


def pytest_collection_modifyitems(items):
    """Sort by file; what is not named keeps its place after those."""
    items.sort(key=lambda item: PLACES.get(item.path, len(LONG)))
