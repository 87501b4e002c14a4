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

FLAVOR_PREFIX = 'compute:live_migration_'
"""What all our extra specs begin with; others that do are typing errors."""

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

    def __init__(self, source: str, key: str, value: object):
        self.source, self.key, self.value = source, key, value
        super().__init__(
            f'{source} key {key} has the value {value!r}, which is not a '
            f'boolean: set it to true or false, or remove it'
        )


class UnknownWishError(exceptions.PolicyError):
    """A flavor key looks like a wish and is none."""

    def __init__(self, key: str):
        self.key = key
        known = ' and '.join(wish.flavor_key for wish in WISHES)
        super().__init__(f'flavor key {key} is unknown: the keys are {known}')


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


# Extra specs that give a server VFIO or mdev devices, or persistent memory.
_DEVICES = re.compile(
    r'accel:device_profile|hw:pmem|pci_passthrough:alias|resources[^:]*:VGPU'
)


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
    extra_specs: Mapping[str, object],
) -> tuple[UnknownWishError, ...]:
    """Give an error for each key that looks like a wish and is none."""
    known = {wish.flavor_key for wish in WISHES}
    return tuple(
        UnknownWishError(key)
        for key in sorted(extra_specs)
        if key.startswith(FLAVOR_PREFIX) and key not in known
    )


def examine(
    extra_specs: Mapping[str, object],
    image_properties: Mapping[str, object],
) -> tuple[LiveMigrationPolicy, tuple[exceptions.PolicyError, ...]]:
    """Give the policy that can be honoured, and all that stands against it.

    A key with a bad value counts as not set; a feature about which flavor
    and image disagree counts as not set; two features that exclude each
    other both count as not set, and so does post-copy where the flavor's
    devices rule it out. Each of these is one error in the result, so that a
    caller can refuse (a new server) or warn and go on (a server that already
    exists).

    :param extra_specs: the flavor's extra specs
    :param image_properties: the image's properties, without any prefix
    """
    errors: list[exceptions.PolicyError] = []
    wanted: dict[str, bool | None] = {}
    origins: dict[str, str] = {}
    for wish in WISHES:
        found: dict[str, bool] = {}
        for source, key, values in (
            ('flavor', wish.flavor_key, extra_specs),
            ('image', wish.image_key, image_properties),
        ):
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
        disagree, if both features are asked for, or if post-copy is and
        devices rule it out; the first of these in the order of :data:`WISHES`
    """
    policy, errors = examine(extra_specs, image_properties)
    if errors:
        raise errors[0]
    return policy
