"""What stands against a request to the compute API, and in which words.

Pure. Only what a request brings in is held against it: a server or a flavor
whose wishes are wrong already can still be changed in other ways. The
scheduler judges by the same rule.
"""

import dataclasses
from collections.abc import Mapping

from numa_sched import exceptions, policy


@dataclasses.dataclass(frozen=True, slots=True)
class Wishes:
    """Extra specs of a flavor and properties of an image, as they stand."""

    extra_specs: Mapping[str, object] = dataclasses.field(default_factory=dict)
    image_properties: Mapping[str, object] = dataclasses.field(
        default_factory=dict
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What a request would make of the wishes.

    ``subject`` says of what, ``stays`` is what it does not touch, ``result``
    what there would be, and ``errors`` are wrong in themselves.
    """

    subject: str
    stays: Wishes
    result: Wishes
    errors: tuple[exceptions.PolicyError, ...] = ()


def writing(
    flavor: str, written: Mapping[str, object], existing: Mapping[str, object]
) -> Change:
    """Give the change that writing extra specs makes to a flavor."""
    kept = {key: existing[key] for key in existing.keys() - written.keys()}
    return Change(
        f'flavor {flavor}',
        Wishes(kept),
        Wishes({**kept, **written}),
        policy.unknown(written),
    )


def refusals(change: Change) -> tuple[exceptions.PolicyError, ...]:
    """Give all that stands against a change and not against what stays."""
    before = set(map(str, _errors(change.stays)))
    return change.errors + tuple(
        error for error in _errors(change.result) if str(error) not in before
    )


def _errors(wishes: Wishes) -> tuple[exceptions.PolicyError, ...]:
    _, errors = policy.examine(wishes.extra_specs, wishes.image_properties)
    return errors


def message(change: Change, errors: tuple[exceptions.PolicyError, ...]) -> str:
    """Give what the caller is told."""
    return (
        f'The live-migration policy refuses {change.subject}: '
        f'{"; ".join(map(str, errors))}.'
    )
