"""Which releases of Nova were tested."""

import re

TESTED = ('33.0.2', '34.0.0')
"""The versions of Nova that tests are run with, one of each release."""


def is_tested(version: str) -> bool:
    """Whether a version of Nova is of a release that was tested."""
    return release_of(version) in map(release_of, TESTED)


def release_of(version: str) -> int | None:
    """Give the number of a release, such as 34; None of an odd version."""
    number = re.match(r'\d+', version)
    return int(number[0]) if number else None
