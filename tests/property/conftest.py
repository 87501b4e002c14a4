# Nova patches the standard library; that must come before all else.
from tests import cloud  # noqa: F401  # isort: skip

import logging

import pytest
from hypothesis import settings

from tests.amount import examples

# Each run has the same examples: what fails is a change's own doing. The
# longer one has others each time, by --hypothesis-profile=search.
settings.register_profile('search', max_examples=examples(120), deadline=None)
settings.register_profile(
    'same', settings.get_profile('search'), derandomize=True, database=None
)
settings.load_profile('same')


@pytest.fixture(autouse=True, scope='module')
def quiet_nova():
    """Keep Nova from formatting a log line for each pair of cells."""
    logger = logging.getLogger('nova')
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)
