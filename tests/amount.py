"""How much is tried: in each run less than in the longer one."""

import os

import pytest


def examples(usual):
    """Give what EXAMPLES of the environment says, else the usual number."""
    return int(os.environ.get('EXAMPLES', usual))


def each(values, every_run):
    """Give values for a test, those not named for the longer run alone."""
    return [
        value
        if value in every_run
        else pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=pytest.mark.long,
        )
        for value in values
    ]
