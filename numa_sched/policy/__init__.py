"""How a server wants to be live-migrated, read from its flavor and image.

Pure: takes mappings, gives values. Rules 1 to 4 of ``doc/source/policy.rst``,
and what rule 7 says of devices in the flavor.
"""

import dataclasses
import re
import typing
from collections.abc import Mapping

import os_traits

from numa_sched import exceptions

Source = typing.Literal['flavor', 'image']
"""Where a wish may stand."""


class Wish(typing.NamedTuple):
    """One row of the rule table: a feature and the names it goes by."""

    feature: str
    flavor_key: str
    image_key: str
    trait: str


WISHES = (
    Wish(
        'auto_converge',
        'compute:live_migration_auto_converge',
        'compute_live_migration_auto_converge',
        os_traits.COMPUTE_MIGRATE_AUTO_CONVERGE,
    ),
    Wish(
        'post_copy',
        'compute:live_migration_post_copy',
        'compute_live_migration_post_copy',
        os_traits.COMPUTE_MIGRATE_POST_COPY,
    ),
)
"""The features, in the order in which errors about them are reported."""

_BETWEEN = '[^a-z0-9]*'
_FEATURES = {
    wish.feature: wish.feature.replace('_', _BETWEEN) for wish in WISHES
}
LOOKALIKE = (
    f'{_BETWEEN}((compute|hw|libvirt|nova|os){_BETWEEN})?'
    f'((live{_BETWEEN})?migrat(e|ions?){_BETWEEN})?'
    f'((allow|permit){_BETWEEN})?'
    f'({"|".join(_FEATURES.values())}){_BETWEEN}'
    f'|compute[^a-z0-9]+live{_BETWEEN}migration[^a-z0-9].*'
)
"""What a key matches that is or looks like a wish: its words, in any case and
with anything but letters and digits between them, or with nothing.

Without a colon, by which Nova's validation would take it for a namespace.
"""
_LOOKALIKE = re.compile(LOOKALIKE, re.IGNORECASE | re.DOTALL)

TRAITS = frozenset(wish.trait for wish in WISHES)
"""Every trait that a policy may require."""

# The spellings of oslo_utils.strutils.bool_from_string(strict=True).
SPELLINGS = dict.fromkeys(('1', 't', 'true', 'on', 'y', 'yes'), True)
SPELLINGS |= dict.fromkeys(('0', 'f', 'false', 'off', 'n', 'no'), False)


@dataclasses.dataclass(frozen=True, slots=True)
class LiveMigrationPolicy:
    """What a server wants of its live migrations.

    ``True`` asks for the feature, ``False`` forbids it, ``None`` leaves it to
    the configuration of the host.
    """

    auto_converge: bool | None = None
    post_copy: bool | None = None

    @property
    def required_traits(self) -> frozenset[str]:
        """Names of the traits that a host must have for this server."""
        return frozenset(
            wish.trait for wish in WISHES if getattr(self, wish.feature)
        )


class InvalidWishError(exceptions.PolicyError):
    """A key holds something that is not a boolean (rule 1)."""

    def __init__(self, source: Source, key: str, value: object):
        self.source, self.key, self.value = source, key, value
        super().__init__(
            f'{source} key {key} has the value {value!r}, which is not a '
            f'boolean: set it to true or false, or remove it'
        )


class UnknownWishError(exceptions.PolicyError):
    """A key looks like a wish and is none."""

    def __init__(self, source: Source, key: str):
        self.source, self.key = source, key
        self.meant = tuple(
            _key(wish, source)
            for wish in WISHES
            if re.search(_FEATURES[wish.feature], key, re.IGNORECASE)
        ) or tuple(_key(wish, source) for wish in WISHES)
        super().__init__(
            f'{source} key {_shown(key)} is unknown: did you mean '
            f'{" or ".join(self.meant)}?'
        )


class SourceConflictError(exceptions.PolicyError):
    """Flavor and image disagree about one feature (rule 2)."""

    def __init__(self, wish: Wish, flavor_value: object, image_value: object):
        self.wish = wish
        self.flavor_value, self.image_value = flavor_value, image_value
        super().__init__(
            f'flavor key {wish.flavor_key} has the value {flavor_value!r} but '
            f'image key {wish.image_key} has the value {image_value!r}: make '
            f'them agree, or set only one of them'
        )


class FeatureConflictError(exceptions.PolicyError):
    """Auto-converge and post-copy are both asked for (rule 3)."""

    def __init__(self, origins: tuple[str, ...]):
        self.origins = origins
        super().__init__(
            f'{" and ".join(origins)} exclude each other: set at most one of '
            f'them to true'
        )


class DeviceConflictError(exceptions.PolicyError):
    """Post-copy is asked for, and devices that rule it out (rule 7)."""

    def __init__(self, origin: str, devices: tuple[str, ...]):
        self.origin, self.devices = origin, devices
        super().__init__(
            f'{origin} cannot be met for a server with the devices of '
            f'{" and ".join(devices)}, since post-copy moves no server with '
            f'such a device: remove one of them'
        )


class TraitConflictError(exceptions.PolicyError):
    """A feature is asked for, and its trait forbidden (rule 4)."""

    def __init__(self, origin: str, forbidden: tuple[str, ...]):
        self.origin, self.forbidden = origin, forbidden
        super().__init__(
            f'{origin} requires the trait forbidden by '
            f'{" and ".join(forbidden)}: remove one of them'
        )


def _key(wish: Wish, source: Source) -> str:
    """Give the name of a wish in a flavor or an image."""
    return wish.flavor_key if source == 'flavor' else wish.image_key


def _shown(key: str) -> str:
    """Give a key for a message, which must fit into the fault of a server."""
    return key if len(key) <= 64 else f'{key[:61]}...'


# Extra specs that give a server VFIO or mdev devices, or persistent memory.
_DEVICES = re.compile(
    r'accel:device_profile|hw:pmem|pci_passthrough:alias|resources[^:]*:VGPU'
)


# Of the group without a name, which the host itself must meet. In others a
# trait may be forbidden to part of a host.
_TRAIT_KEYS = {f'trait:{wish.trait}': wish.feature for wish in WISHES}


def devices(extra_specs: Mapping[str, object]) -> tuple[str, ...]:
    """Give the keys that ask for devices with which there is no post-copy."""
    return tuple(
        key
        for key in sorted(extra_specs)
        if _DEVICES.fullmatch(key)
        and str(extra_specs[key]).strip() not in ('', '0')
    )


def parse_wish(value: object) -> bool:
    """Give the truth value of what a user wrote.

    :param value: a string of any case with or without surrounding white
        space, or a boolean
    :raises ValueError: if it is neither true nor false
    """
    try:
        return SPELLINGS[str(value).strip().lower()]
    except KeyError:
        raise ValueError(f'{value!r} is not a boolean') from None


def unknown(
    source: Source, values: Mapping[str, object]
) -> tuple[UnknownWishError, ...]:
    """Give an error for each key that looks like a wish and is none.

    :param values: extra specs or properties
    """
    known = {_key(wish, source) for wish in WISHES}
    return tuple(
        UnknownWishError(source, key)
        for key in sorted(values)
        if _LOOKALIKE.fullmatch(key) and key not in known
    )


def examine(
    extra_specs: Mapping[str, object],
    image_properties: Mapping[str, object],
) -> tuple[LiveMigrationPolicy, tuple[exceptions.PolicyError, ...]]:
    """Give the policy that can be honoured, and all that stands against it.

    A key with a bad value counts as not set; a feature about which flavor
    and image disagree counts as not set; two features that exclude each
    other both count as not set, and so does post-copy where the flavor's
    devices rule it out, and a feature whose trait is forbidden. Each of these
    is one error in the result, as is each key that only looks like a wish, so
    that a caller can refuse (a new server) or warn and go on (a server that
    already exists).

    :param extra_specs: the flavor's extra specs
    :param image_properties: the image's properties, without any prefix
    """
    sources: tuple[tuple[Source, Mapping[str, object]], ...] = (
        ('flavor', extra_specs),
        ('image', image_properties),
    )
    errors: list[exceptions.PolicyError] = []
    wanted: dict[str, bool | None] = {}
    origins: dict[str, str] = {}
    for wish in WISHES:
        found: dict[str, bool] = {}
        for source, values in sources:
            key = _key(wish, source)
            if key not in values:
                continue
            try:
                found[source] = parse_wish(values[key])
            except ValueError:
                errors.append(InvalidWishError(source, key, values[key]))
        if len(set(found.values())) > 1:
            errors.append(
                SourceConflictError(
                    wish,
                    extra_specs[wish.flavor_key],
                    image_properties[wish.image_key],
                )
            )
            found = {}
        wanted[wish.feature] = next(iter(found.values()), None)
        if wanted[wish.feature]:
            origins[wish.feature] = (
                f'flavor key {wish.flavor_key} '
                f'({extra_specs[wish.flavor_key]!r})'
                if 'flavor' in found
                else f'image key {wish.image_key} '
                f'({image_properties[wish.image_key]!r})'
            )
    if all(wanted.values()):
        errors.append(FeatureConflictError(tuple(origins.values())))
        wanted = {}
    ruling_out = devices(extra_specs)
    if ruling_out and 'post_copy' in origins:
        errors.append(
            DeviceConflictError(
                origins['post_copy'],
                tuple(
                    f'flavor key {key} ({extra_specs[key]!r})'
                    for key in ruling_out
                ),
            )
        )
        wanted.pop('post_copy', None)
    for key, feature in _TRAIT_KEYS.items():
        forbidden = tuple(
            f'{source} key {key}'
            for source, values in sources
            if values.get(key) == 'forbidden'
        )
        if forbidden and feature in origins:
            errors.append(TraitConflictError(origins[feature], forbidden))
            wanted.pop(feature, None)
    for source, values in sources:
        errors += unknown(source, values)
    return LiveMigrationPolicy(**wanted), tuple(errors)


def _says_true(values: Mapping[str, object], key: str) -> bool:
    try:
        return key in values and parse_wish(values[key])
    except ValueError:
        return False


def requirements(
    policy: LiveMigrationPolicy,
    extra_specs: Mapping[str, object],
    image_properties: Mapping[str, object],
) -> tuple[str, ...]:
    """Give each trait that a policy requires, and which keys ask for it.

    :param policy: what :func:`examine` makes of the other two
    """
    return tuple(
        f'{wish.trait} ('
        + ' and '.join(
            f'{source} key {key} has the value {values[key]!r}'
            for source, key, values in (
                ('flavor', wish.flavor_key, extra_specs),
                ('image', wish.image_key, image_properties),
            )
            if _says_true(values, key)
        )
        + ')'
        for wish in WISHES
        if wish.trait in policy.required_traits
    )


def resolve(
    extra_specs: Mapping[str, object],
    image_properties: Mapping[str, object],
) -> LiveMigrationPolicy:
    """Give the policy that a flavor and an image together ask for.

    :param extra_specs: the flavor's extra specs
    :param image_properties: the image's properties, without any prefix
    :raises PolicyError: if a value is not a boolean, if flavor and image
        disagree, if both features are asked for, if one is that devices or a
        forbidden trait rule out, or if a key only looks like a wish; the
        first of these
    """
    policy, errors = examine(extra_specs, image_properties)
    if errors:
        raise errors[0]
    return policy
