import itertools

import os_traits
import pytest
from oslo_utils import strutils

from numa_sched import policy
from numa_sched.exceptions import NumaSchedError, PolicyError

AC, PC = policy.WISHES
TRUE, FALSE, UNSET = 'true', 'false', None


def keys(auto_converge=None, post_copy=None, *, of):
    values = {
        getattr(AC, f'{of}_key'): auto_converge,
        getattr(PC, f'{of}_key'): post_copy,
    }
    return {key: value for key, value in values.items() if value is not None}


def flavor(*values):
    return keys(*values, of='flavor')


def image(*values):
    return keys(*values, of='image')


def test_the_keys_are_those_of_the_contract():
    assert [(wish.flavor_key, wish.image_key) for wish in policy.WISHES] == [
        (
            'compute:live_migration_auto_converge',
            'compute_live_migration_auto_converge',
        ),
        (
            'compute:live_migration_post_copy',
            'compute_live_migration_post_copy',
        ),
    ]


def test_nothing_set_asks_for_nothing():
    resolved = policy.resolve({}, {})
    assert resolved == policy.LiveMigrationPolicy(None, None)
    assert resolved.required_traits == frozenset()


TRUE_SPELLINGS = ['1', 't', 'true', 'on', 'y', 'yes', 'TRUE', ' Yes\t', True]
FALSE_SPELLINGS = ['0', 'f', 'false', 'off', 'n', 'no', 'FALSE', '\nNo', False]


@pytest.mark.parametrize('spelling', [*TRUE_SPELLINGS, *FALSE_SPELLINGS])
def test_rule_1_booleans_are_those_of_oslo(spelling):
    expected = strutils.bool_from_string(spelling, strict=True)
    for resolved in (
        policy.resolve(flavor(spelling), {}),
        policy.resolve({}, image(spelling)),
    ):
        assert resolved.auto_converge is expected


@pytest.mark.parametrize(
    'value', ['', ' ', 'maybe', '2', 'truetrue', None, 7, [], {}, b'true']
)
def test_rule_1_anything_else_is_an_error(value):
    with pytest.raises(ValueError, match='not a boolean'):
        policy.parse_wish(value)
    with pytest.raises(ValueError):
        strutils.bool_from_string(value, strict=True)


@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_rule_1_the_error_names_key_value_and_source(source):
    bad = keys(None, 'maybe', of=source)
    with pytest.raises(policy.InvalidWishError) as caught:
        policy.resolve(*((bad, {}) if source == 'flavor' else ({}, bad)))
    message = str(caught.value)
    assert message.startswith(f'{source} key {next(iter(bad))} ')
    assert "'maybe'" in message
    assert 'set it to true or false' in message


@pytest.mark.parametrize(
    ('of_flavor', 'of_image'), [('true', True), ('no', False), ('1', 'YES')]
)
def test_rule_2_sources_that_agree_are_one_wish(of_flavor, of_image):
    resolved = policy.resolve(flavor(of_flavor), image(of_image))
    assert resolved == policy.resolve(flavor(of_flavor), {})


@pytest.mark.parametrize('wish', policy.WISHES, ids=lambda wish: wish.feature)
@pytest.mark.parametrize('values', [(TRUE, FALSE), (FALSE, TRUE)])
def test_rule_2_sources_that_disagree_are_a_conflict(wish, values):
    with pytest.raises(policy.SourceConflictError) as caught:
        policy.resolve(
            {wish.flavor_key: values[0]}, {wish.image_key: values[1]}
        )
    message = str(caught.value)
    for part in (wish.flavor_key, wish.image_key, *map(repr, values)):
        assert part in message
    assert 'make them agree' in message


@pytest.mark.parametrize(
    ('specs', 'properties', 'named'),
    [
        (flavor(TRUE, TRUE), {}, (AC.flavor_key, PC.flavor_key)),
        ({}, image(TRUE, TRUE), (AC.image_key, PC.image_key)),
        (flavor(TRUE), image(UNSET, TRUE), (AC.flavor_key, PC.image_key)),
        (flavor(UNSET, TRUE), image(TRUE), (PC.flavor_key, AC.image_key)),
    ],
    ids=['flavor', 'image', 'AC flavor PC image', 'PC flavor AC image'],
)
def test_rule_3_both_features_at_once_are_a_conflict(specs, properties, named):
    with pytest.raises(policy.FeatureConflictError) as caught:
        policy.resolve(specs, properties)
    message = str(caught.value)
    assert all(key in message for key in named)
    assert 'at most one' in message


@pytest.mark.parametrize('source', ['flavor', 'image'])
@pytest.mark.parametrize(
    ('values', 'traits'),
    [
        ((TRUE, UNSET), {os_traits.COMPUTE_MIGRATE_AUTO_CONVERGE}),
        ((TRUE, FALSE), {os_traits.COMPUTE_MIGRATE_AUTO_CONVERGE}),
        ((UNSET, TRUE), {os_traits.COMPUTE_MIGRATE_POST_COPY}),
        ((FALSE, TRUE), {os_traits.COMPUTE_MIGRATE_POST_COPY}),
        ((FALSE, FALSE), set()),
        ((FALSE, UNSET), set()),
        ((UNSET, FALSE), set()),
    ],
)
def test_rule_4_true_requires_the_trait_and_nothing_else_does(
    source, values, traits
):
    wishes = keys(*values, of=source)
    resolved = policy.resolve(
        *((wishes, {}) if source == 'flavor' else ({}, wishes))
    )
    assert resolved.required_traits == traits


@pytest.mark.parametrize(
    ('values', 'feature'), [((FALSE,), False), ((UNSET,), None)]
)
def test_false_is_told_apart_from_unset(values, feature):
    assert policy.resolve(flavor(*values), {}).auto_converge is feature


def test_all_81_combinations_follow_the_rules():
    for ac_flavor, pc_flavor, ac_image, pc_image in itertools.product(
        (TRUE, FALSE, UNSET), repeat=4
    ):
        merged = []
        for of_flavor, of_image in (
            (ac_flavor, ac_image),
            (pc_flavor, pc_image),
        ):
            given = {of_flavor, of_image} - {UNSET}
            merged.append(given)
        allowed = all(len(given) < 2 for given in merged) and not all(
            given == {TRUE} for given in merged
        )
        arguments = (
            flavor(ac_flavor, pc_flavor),
            image(ac_image, pc_image),
        )
        if not allowed:
            with pytest.raises(PolicyError):
                policy.resolve(*arguments)
            continue
        resolved = policy.resolve(*arguments)
        for value, given in zip(
            (resolved.auto_converge, resolved.post_copy), merged, strict=True
        ):
            assert (
                value
                is {TRUE: True, FALSE: False, UNSET: None}[
                    next(iter(given), UNSET)
                ]
            )


def test_examine_ignores_only_the_bad_value_of_a_feature():
    wanted, errors = policy.examine(flavor('maybe', TRUE), image(FALSE))
    assert wanted == policy.LiveMigrationPolicy(False, True)
    assert [type(error) for error in errors] == [policy.InvalidWishError]


def test_examine_ignores_a_feature_about_which_sources_disagree():
    wanted, errors = policy.examine(flavor(TRUE, FALSE), image(FALSE))
    assert wanted == policy.LiveMigrationPolicy(None, False)
    assert [type(error) for error in errors] == [policy.SourceConflictError]


def test_examine_ignores_both_features_where_they_exclude_each_other():
    wanted, errors = policy.examine(flavor(TRUE, TRUE), {})
    assert wanted == policy.LiveMigrationPolicy(None, None)
    assert [type(error) for error in errors] == [policy.FeatureConflictError]


def test_examine_reports_everything_that_is_wrong():
    _, errors = policy.examine(flavor('a', 'b'), image('c', TRUE))
    assert len(errors) == 3


DEVICES = {
    'a PCI device': {'pci_passthrough:alias': 'vf:1'},
    'a vGPU': {'resources:VGPU': '1'},
    'a vGPU in a group': {'resources1:VGPU': '1'},
    'a vGPU in a named group': {'resources_GPU:VGPU': ' 2 '},
    'persistent memory': {'hw:pmem': '6GB'},
    'an accelerator': {'accel:device_profile': 'fpga'},
}


@pytest.mark.parametrize('specs', DEVICES.values(), ids=DEVICES)
@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_post_copy_beside_devices_that_rule_it_out_is_a_conflict(
    specs, source
):
    wish = keys(UNSET, TRUE, of=source)
    sources = ({**wish, **specs}, {}) if source == 'flavor' else (specs, wish)
    with pytest.raises(policy.DeviceConflictError) as caught:
        policy.resolve(*sources)
    for part in (f'{source} key', *wish, *specs, 'remove one of them'):
        assert part in str(caught.value)


@pytest.mark.parametrize('specs', DEVICES.values(), ids=DEVICES)
def test_devices_stand_against_nothing_but_post_copy(specs):
    for values in ((TRUE, FALSE), (TRUE,), (UNSET, FALSE)):
        resolved = policy.resolve({**flavor(*values), **specs}, {})
        assert resolved == policy.resolve(flavor(*values), {})


@pytest.mark.parametrize(
    'specs',
    [
        {'pci_passthrough:alias': ''},
        {'resources:VGPU': '0'},
        {'resources:PCPU': '2'},
        {'hw:pmem_other': '1'},
        {'trait:HW_GPU': 'required'},
    ],
    ids=str,
)
def test_other_keys_do_not_stand_against_post_copy(specs):
    assert policy.resolve({**flavor(UNSET, TRUE), **specs}, {}).post_copy


def test_examine_ignores_post_copy_where_devices_rule_it_out():
    wanted, errors = policy.examine(
        {**flavor(FALSE, TRUE), 'hw:pmem': '6GB'}, {}
    )
    assert wanted == policy.LiveMigrationPolicy(False, None)
    assert [type(error) for error in errors] == [policy.DeviceConflictError]


def test_examine_tells_of_devices_beside_features_that_exclude_each_other():
    wanted, errors = policy.examine(
        {**flavor(TRUE, TRUE), 'hw:pmem': '6GB'}, {}
    )
    assert wanted == policy.LiveMigrationPolicy(None, None)
    assert [type(error) for error in errors] == [
        policy.FeatureConflictError,
        policy.DeviceConflictError,
    ]


def test_errors_share_the_root_of_the_package():
    assert issubclass(PolicyError, NumaSchedError)


def told(of_flavor=(), of_image=()):
    """Give what is told of traits that flavor and image require."""
    values = flavor(*of_flavor), image(*of_image)
    wanted, _ = policy.examine(*values)
    return policy.requirements(wanted, *values)


def test_a_required_trait_is_told_with_the_key_that_asks_for_it():
    assert told((TRUE,)) == (
        f'{AC.trait} (flavor key {AC.flavor_key} has the value {TRUE!r})',
    )
    assert told((), (UNSET, 'On')) == (
        f"{PC.trait} (image key {PC.image_key} has the value 'On')",
    )


def test_a_required_trait_is_told_with_both_keys_if_they_agree():
    assert told((UNSET, TRUE), (FALSE, 'yes')) == (
        f'{PC.trait} (flavor key {PC.flavor_key} has the value {TRUE!r} and '
        f"image key {PC.image_key} has the value 'yes')",
    )


def test_a_value_that_does_not_count_is_not_told():
    (line,) = told((TRUE,), ('maybe',))
    assert 'image' not in line


@pytest.mark.parametrize(
    ('of_flavor', 'of_image'),
    [
        ((), ()),
        ((FALSE, FALSE), (FALSE,)),
        ((TRUE, TRUE), ()),
        ((TRUE,), (FALSE,)),
    ],
    ids=['nothing set', 'all false', 'both features', 'no agreement'],
)
def test_where_nothing_is_required_nothing_is_told(of_flavor, of_image):
    assert told(of_flavor, of_image) == ()
