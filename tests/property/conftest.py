# Nova patches the standard library; that must come before all else.
from tests import cloud  # noqa: F401  # isort: skip

import logging

import pytest
from hypothesis import settings

from tests.amount import examples

settings.register_profile('ci', max_examples=examples(120), deadline=None)
settings.load_profile('ci')


@pytest.fixture(autouse=True, scope='module')
def quiet_nova():
    """Keep Nova from formatting a log line for each pair of cells."""
    logger = logging.getLogger('nova')
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)
