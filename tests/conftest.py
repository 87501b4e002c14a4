"""How tests are run beside each other, and what is told meanwhile."""

import os
import pathlib

import pytest

from tests import covered

covered.keep_probes()

# Those that take more than half a minute, the longest first: workers end
# together if these have begun together.
LONG = (
    'compute/test_wishes.py',
    'scheduler/test_prediction.py',
    'scheduler/test_policy.py',
    'scheduler/test_destination.py',
    'scheduler/test_destinations.py',
    'compute/test_completing.py',
    'cli/execute/test_troubles.py',
    'cli/execute/test_plans.py',
    'status/test_command.py',
    'cli/test_commands.py',
    'osc/test_host.py',
    'osc/test_candidates.py',
    'osc/test_request.py',
    'scheduler/test_candidates.py',
    'scheduler/test_word_of_a_cloud.py',
    'compute/test_threads.py',
    'api/test_create.py',
    'api/test_changes.py',
    'test_live_migration.py',
)
FUNCTIONAL = pathlib.Path(__file__).parent / 'functional'
PLACES = {FUNCTIONAL / name: place for place, name in enumerate(LONG)}


# Not everywhere is pytest-xdist.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Have more than processors: those with clouds wait a good deal."""
    return os.cpu_count() * 3 // 2


def pytest_collection_modifyitems(items):
    """Sort by file; what is not named keeps its place after those."""
    items.sort(key=lambda item: PLACES.get(item.path, len(LONG)))


class Failures:
    """Tells at once what has failed; the end may never come."""

    def __init__(self, terminal):
        self._terminal = terminal

    def pytest_runtest_logreport(self, report):
        """Tell why in a line; the whole of it comes at the end."""
        if report.failed:
            lines = report.longreprtext.splitlines()
            errors = [line[1:] for line in lines if line.startswith('E ')]
            why = (errors[:1] or lines[-1:] or ['no reason is told'])[0]
            self._terminal.ensure_newline()
            self._terminal.write_line(f'{report.nodeid}: {why.strip()[:300]}')


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """Tell what fails where somebody sees it, which is in no worker."""
    terminal = config.pluginmanager.get_plugin('terminalreporter')
    if terminal and not hasattr(config, 'workerinput'):
        config.pluginmanager.register(Failures(terminal))
