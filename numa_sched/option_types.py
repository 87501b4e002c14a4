"""Types of options that say in their errors which values they take."""

import collections
import contextlib
import math
import os.path
from collections.abc import Sequence
from typing import Any

from oslo_config import types


class Finite(types.Float):
    """A number between two others; neither nan nor nothing is one."""

    min: float
    max: float

    def __init__(self, lowest: float, highest: float):
        super().__init__(lowest, highest)

    def __call__(self, value: Any) -> float:
        """Give the number. :raises ValueError: if it is none of these."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not self.min <= number <= self.max:
            raise ValueError(
                f'{value!r} is not a number from {self.min} to {self.max}'
            )
        return number


class Whole(types.Integer):
    """A whole number between two others."""

    min: int
    max: int

    def __init__(self, lowest: int, highest: int):
        super().__init__(lowest, highest)

    def __call__(self, value: Any) -> int:
        """Give the number. :raises ValueError: if it is none of these."""
        with contextlib.suppress(TypeError, ValueError):
            number = int(value)
            if self.min <= number <= self.max:
                return number
        raise ValueError(
            f'{value!r} is not a whole number from {self.min} to {self.max}'
        )


class Choice(types.String):
    """One of some words, in any case."""

    choices: collections.OrderedDict[str, str | None]

    def __init__(self, choices: Sequence[tuple[str, str]]):
        """Take words in lower case, each with what it means."""
        super().__init__(choices, ignore_case=True)

    def __call__(self, value: object) -> str:
        """Give the word in lower case. :raises ValueError: if unknown."""
        word = str(value).strip().lower()
        if word not in self.choices:
            raise ValueError(f'{value!r} is none of {", ".join(self.choices)}')
        return word


class Path(types.String):
    """The path of a file, from the root on."""

    def __call__(self, value: object) -> str:
        """Give the path. :raises ValueError: if it is none, or relative."""
        path = str(value).strip()
        if not os.path.isabs(path) or path.endswith('/'):
            raise ValueError(
                f'{value!r} is not the path of a file, such as '
                f'/var/lib/nova/refusals'
            )
        return path


class Truth(types.Boolean):
    """True or false, as oslo.config spells them."""

    def __call__(self, value: object) -> bool:
        """Give the truth value. :raises ValueError: if it is none."""
        try:
            return super().__call__(value)
        except (AttributeError, ValueError):
            raise ValueError(f'{value!r} is neither true nor false') from None


class Items(types.Dict):
    """Keys with values, as in ``cpus:4,share:2``."""

    def __call__(self, value: object) -> dict[str, str]:
        """Give a dict of strings. :raises ValueError: if it is none."""
        try:
            return super().__call__(value)
        except (AttributeError, ValueError) as error:
            raise ValueError(f'{value!r}: {error}') from None
