"""What stands against a request to the compute API, and in which words.

Pure. Only what a request brings in is held against it: a server or a flavor
whose wishes are wrong already can still be changed in other ways. The
scheduler judges by the same rule.
"""

import dataclasses
from collections.abc import Mapping, Set

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

    ``subject`` says of what, ``before`` is what there is (without what
    is written anew), ``result`` what there would be, and ``errors`` are wrong
    in themselves.
    """

    subject: str
    before: Wishes
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
    )


def refusals(change: Change) -> tuple[exceptions.PolicyError, ...]:
    """Give all that stands against a change and not against what there is."""
    before = set(map(str, _errors(change.before)))
    return change.errors + tuple(
        error for error in _errors(change.result) if str(error) not in before
    )


def gained_traits(change: Change) -> frozenset[str]:
    """Give the traits that are required after a change and not before."""
    before, after = (
        policy.examine(each.extra_specs, each.image_properties)[0]
        for each in (change.before, change.result)
    )
    return after.required_traits - before.required_traits


class LackingTraitError(exceptions.PolicyError):
    """A server that stays on its host wants what the host cannot do."""

    def __init__(self, wish: policy.Wish, value: object):
        self.wish, self.value = wish, value
        super().__init__(
            f'image key {wish.image_key} ({value!r}) requires the trait '
            f'{wish.trait}, which the host of the server lacks: migrate the '
            f'server to a host that has it first, or use another image'
        )


def lacking(change: Change, traits: Set[str]) -> tuple[LackingTraitError, ...]:
    """Give an error for each trait that the host of a server lacks.

    :param change: of the server's image
    :param traits: those that the change requires and the host lacks
    """
    properties = change.result.image_properties
    return tuple(
        LackingTraitError(wish, properties[wish.image_key])
        for wish in policy.WISHES
        if wish.trait in traits
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
