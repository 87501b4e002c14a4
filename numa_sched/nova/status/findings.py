"""What a check has found, and what the checks say in the same way."""

import typing
from collections.abc import Collection

from oslo_upgradecheck.upgradecheck import Code, Result

SHOWN = 3
"""How many names of hosts a sentence has at most."""


class Finding(typing.NamedTuple):
    """One thing that is wrong, and the sentence that says what to do."""

    code: Code
    text: str


def failure(text: str) -> Finding:
    """Give a finding without whose removal something does not work."""
    return Finding(Code.FAILURE, text)


def warning(text: str) -> Finding:
    """Give a finding that somebody should look at."""
    return Finding(Code.WARNING, text)


def result(
    findings: Collection[Finding], *, fine: str | None = None
) -> Result:
    """Give the worst of the findings, with all of them, the worst first.

    :param fine: what is told where there are none
    """
    if not findings:
        return Result(Code.SUCCESS, fine)
    ordered = sorted(findings, key=lambda each: -each.code)
    return Result(ordered[0].code, ' '.join(each.text for each in ordered))


def some(names: Collection[str]) -> str:
    """Give the first few names, and how many there are beside them."""
    shown = sorted(names)[:SHOWN]
    left = len(names) - len(shown)
    return ', '.join(shown) + (f' and {left} more' if left else '')


def first_line(error: BaseException) -> str:
    """Give what an error says, in one line; its kind if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
