"""Checked access to the fields of a snapshot, with plain code: it is fast.

``told`` is an object of JSON throughout. What is wrong with a field is a
:class:`FieldError` that names its path, which the callers lengthen.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from numa_sched import cpumask
from numa_sched.exceptions import SnapshotError, TopologyError

Told = dict[str, Any]
Value = TypeVar('Value')

MOST = 2**63 - 1
LONGEST_SHOWN = 60


class FieldError(SnapshotError):
    """What is wrong with a field; prints as its path and why."""

    def __init__(self, path: str, why: str):
        self.path, self.why = path, why
        super().__init__(path, why)

    def __str__(self) -> str:
        return f'{self.path}: {self.why}' if self.path else self.why

    def within(self, where: str) -> 'FieldError':
        """Give the same, seen from the object around."""
        return FieldError(f'{where}.{self.path}'.rstrip('.'), self.why)


def shown(value: object) -> str:
    """Give a value for a message, cut where it is long."""
    if isinstance(value, dict | list):
        return 'an object' if isinstance(value, dict) else 'a list'
    if isinstance(value, int) and abs(value) > MOST:
        return 'a very large number'
    words = {None: 'null', True: 'true', False: 'false'}
    # 1 is equal to true, and is not it.
    if value is None or isinstance(value, bool):
        return words[value]
    text = ascii(value)
    if len(text) > LONGEST_SHOWN:
        return f'{text[:LONGEST_SHOWN]}...'
    return text


def wrong(key: str, wanted: str, value: object) -> FieldError:
    """Give the error of a value that is not what is wanted."""
    return FieldError(key, f'must be {wanted}, not {shown(value)}')


def _is_text(value: object) -> bool:
    """Whether a value is text that can be written; half a pair cannot."""
    if not isinstance(value, str):
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def text(told: Told, key: str) -> str:
    """Give text, which must be there."""
    if key not in told:
        raise FieldError(key, 'is missing')
    value = told[key]
    if not _is_text(value):
        raise wrong(key, 'text', value)
    return value  # type: ignore[no-any-return]


def text_or_none(told: Told, key: str) -> str | None:
    """Give text, None if it is null or not there."""
    value = told.get(key)
    return None if value is None else text(told, key)


def whole(
    told: Told, key: str, default: int | None = None, least: int = 0
) -> int:
    """Give a whole number; without a default it must be there."""
    value = told.get(key, default)
    if type(value) is not int or not least <= value <= MOST:
        if value is None and key not in told:
            raise FieldError(key, 'is missing')
        raise wrong(key, f'a whole number from {least} on', value)
    return value


def whole_or_none(told: Told, key: str, least: int = 0) -> int | None:
    """Give a whole number, None if it is null or not there."""
    value = told.get(key)
    return None if value is None else whole(told, key, least=least)


def number(told: Told, key: str, default: float) -> float:
    """Give a number that is neither infinite nor none."""
    value = told.get(key, default)
    if type(value) not in (int, float) or not -MOST <= value <= MOST:
        raise wrong(key, 'a number', value)
    return float(value)


def truth(told: Told, key: str, default: bool) -> bool:
    """Give true or false."""
    value = told.get(key, default)
    if not isinstance(value, bool):
        raise wrong(key, 'true or false', value)
    return value


def truth_or_none(told: Told, key: str) -> bool | None:
    """Give true, false, or None if it is null or not there."""
    return None if told.get(key) is None else truth(told, key, False)


def cpus(told: Told, key: str) -> int:
    """Give the mask of a list of CPUs, which is none if it is not there."""
    value = told.get(key, '')
    if not isinstance(value, str):
        raise wrong(key, 'a list of CPUs such as "0-3,8"', value)
    return mask_of(key, value)


def mask_of(key: str, value: str) -> int:
    """Give the mask of a list of CPUs."""
    try:
        return cpumask.from_list(value)
    except ValueError as error:
        raise FieldError(key, ascii(str(error))[1:-1]) from None


def items(told: Told, key: str) -> list[Any]:
    """Give a list, which is empty if it is null or not there."""
    value = told.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong(key, 'a list', value)
    return value


def texts(told: Told, key: str) -> tuple[str, ...]:
    """Give a list of texts."""
    value = items(told, key)
    for index, each in enumerate(value):
        if not _is_text(each):
            raise wrong(f'{key}[{index}]', 'text', each)
    return tuple(value)


def mapping(told: Told, key: str) -> Told:
    """Give an object, which is empty if it is null or not there."""
    value = told.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(key, 'an object', value)
    return value


def text_mapping(told: Told, key: str) -> Mapping[str, str]:
    """Give an object whose values are texts."""
    value = mapping(told, key)
    for name, each in value.items():
        if not (_is_text(name) and _is_text(each)):
            raise wrong(f'{key}.{shown(name)}', 'text', each)
    return value


def numbers(told: Told, key: str) -> Mapping[str, int]:
    """Give an object whose values are whole numbers."""
    value = mapping(told, key)
    for name in value:
        if not _is_text(name):
            raise wrong(key, 'an object of readable names', name)
        try:
            whole(value, name)
        except FieldError as error:
            raise error.within(key) from None
    return value


def objects(told: Told, key: str) -> Iterator[tuple[str, Told]]:
    """Give the objects of a list, each with where it stands."""
    for index, each in enumerate(items(told, key)):
        where = f'{key}[{index}]'
        if not isinstance(each, dict):
            raise wrong(where, 'an object', each)
        yield where, each


def all_of(
    told: Told, key: str, read: Callable[[Told], Value]
) -> tuple[Value, ...]:
    """Give what is read of each object of a list."""
    found = []
    for where, each in objects(told, key):
        try:
            found.append(read(each))
        except FieldError as error:
            raise error.within(where) from None
        except TopologyError as error:
            raise FieldError(where, str(error)) from None
    return tuple(found)


def one_of(told: Told, key: str, read: Callable[[Told], Value]) -> Value:
    """Give what is read of an object, which is empty if it is not there."""
    value = mapping(told, key)
    try:
        return read(value)
    except FieldError as error:
        raise error.within(key) from None
    except TopologyError as error:
        raise FieldError(key, str(error)) from None


def rest(told: Told, known: frozenset[str]) -> Told:
    """Give the fields that are not known, to be kept."""
    more = told.keys() - known
    return {key: told[key] for key in told if key in more} if more else {}
