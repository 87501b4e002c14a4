import dataclasses

import pytest

from numa_sched import policy
from numa_sched.policy.verdict import (
    Change,
    Wishes,
    gained_traits,
    lacking,
    message,
    refusals,
    writing,
)

AC, PC = policy.WISHES
BOTH = {AC.flavor_key: 'true', PC.flavor_key: 'true'}


def kinds(change):
    return [type(error) for error in refusals(change)]


def image(stays, extra_specs, **properties):
    """Give the change that a new image makes to a server."""
    return Change(
        'image', Wishes(stays), Wishes(extra_specs or stays, properties)
    )


def test_a_new_server_is_refused_for_anything_that_is_wrong():
    change = Change(
        'flavor 1',
        Wishes(),
        Wishes({AC.flavor_key: 'maybe'}, {PC.image_key: 'perhaps'}),
    )
    assert kinds(change) == [policy.InvalidWishError] * 2


def test_a_server_whose_flavor_is_wrong_already_takes_another_image():
    assert kinds(image(BOTH, None)) == []
    assert kinds(image(BOTH, None, **{AC.image_key: 'yes'})) == []


def test_a_new_image_is_refused_for_what_it_brings_in():
    change = image(BOTH, None, **{AC.image_key: 'false'})
    assert kinds(change) == [policy.SourceConflictError]


def test_a_server_whose_image_is_wrong_already_takes_another_flavor():
    wrong = {AC.image_key: 'maybe'}
    change = Change(
        'flavor', Wishes({}, wrong), Wishes({AC.flavor_key: 'true'}, wrong)
    )
    assert kinds(change) == []


def test_both_true_in_the_result_of_writing_is_refused():
    change = writing('1', {PC.flavor_key: 'on'}, {AC.flavor_key: 'true'})
    assert kinds(change) == [policy.FeatureConflictError]


def test_both_true_is_refused_even_if_it_was_so_before():
    assert kinds(writing('1', {PC.flavor_key: 'true'}, BOTH)) == [
        policy.FeatureConflictError
    ]


def test_a_wrong_flavor_can_be_put_right_key_by_key():
    assert kinds(writing('1', {PC.flavor_key: 'false'}, BOTH)) == []
    wrong = {AC.flavor_key: 'maybe', PC.flavor_key: 'perhaps'}
    assert kinds(writing('1', {AC.flavor_key: 'true'}, wrong)) == []


@pytest.mark.parametrize('value', ['maybe', '', 7, 'tru\u00e9'])
def test_a_bad_value_is_refused_when_it_is_written(value):
    change = writing('1', {AC.flavor_key: value}, {})
    assert kinds(change) == [policy.InvalidWishError]


def test_a_number_is_taken_for_its_text():
    assert kinds(writing('1', {AC.flavor_key: 1}, {})) == []


def test_an_unknown_wish_is_refused_when_it_is_written():
    change = writing('1', {'compute:live_migration_postcopy': 'true'}, {})
    (error,) = refusals(change)
    assert isinstance(error, policy.UnknownWishError)
    assert error.meant == (PC.flavor_key,)


def test_an_unknown_wish_is_refused_when_it_is_written_again():
    old = {'compute:live_migration_postcopy': 'true'}
    change = writing('1', {'compute:live_migration_postcopy': 'false'}, old)
    assert kinds(change) == [policy.UnknownWishError]


def test_an_unknown_wish_from_before_stands_against_no_other_key():
    old = {'compute:live_migration_postcopy': 'true'}
    assert kinds(writing('1', {AC.flavor_key: 'true'}, old)) == []


def test_a_server_that_stays_with_an_unknown_wish_takes_another_image():
    old = {'compute:live_migration_postcopy': 'true'}
    assert kinds(image(old, None, **{AC.image_key: 'true'})) == []


def test_an_unknown_wish_is_refused_when_it_is_used():
    for wrong in (
        Wishes({PC.image_key: 'true'}),
        Wishes({}, {PC.flavor_key: 'true'}),
    ):
        change = Change('flavor 1', Wishes(), wrong)
        assert kinds(change) == [policy.UnknownWishError]


def test_a_trait_is_not_forbidden_beside_the_wish_that_requires_it():
    forbidden = {f'trait:{PC.trait}': 'forbidden'}
    change = writing('1', forbidden, {PC.flavor_key: 'true'})
    assert kinds(change) == [policy.TraitConflictError]
    change = writing('1', {PC.flavor_key: 'true'}, forbidden)
    assert kinds(change) == [policy.TraitConflictError]


def test_the_message_names_subject_keys_values_and_the_way_out():
    change = writing('m1.big', {PC.flavor_key: 'on'}, {AC.flavor_key: 't'})
    assert message(change, refusals(change)) == (
        'The live-migration policy refuses flavor m1.big: flavor key '
        "compute:live_migration_auto_converge ('t') and flavor key "
        "compute:live_migration_post_copy ('on') exclude each other: set at "
        'most one of them to true.'
    )


def test_the_reason_fits_into_the_fault_of_a_server():
    wrong = {AC.flavor_key: ' true ', PC.flavor_key: ' true '}
    (error,) = policy.examine(wrong, {})[1]
    fault = 'No valid host was found. Scheduling failed: '
    assert len(fault + str(error)) <= 255


def test_a_device_is_not_written_beside_post_copy():
    change = writing('1', {'hw:pmem': '6GB'}, {PC.flavor_key: 'true'})
    assert kinds(change) == [policy.DeviceConflictError]


def test_post_copy_is_not_written_beside_a_device():
    change = writing('1', {PC.flavor_key: 'true'}, {'hw:pmem': '6GB'})
    assert kinds(change) == [policy.DeviceConflictError]


# A server that stays on its host.


def test_the_traits_gained_are_those_required_after_and_not_before():
    change = Change(
        'image',
        Wishes({}, {PC.image_key: 'true'}),
        Wishes({}, {PC.image_key: 'yes'}),
    )
    assert gained_traits(change) == frozenset()
    change = Change('image', Wishes(), Wishes({}, {AC.image_key: 'true'}))
    assert gained_traits(change) == {AC.trait}


def test_a_host_that_lacks_a_trait_stands_against_a_new_image():
    change = Change('image', Wishes(), Wishes({}, {PC.image_key: 'ON'}))
    (error,) = lacking(change, {PC.trait})
    assert f"image key {PC.image_key} ('ON')" in str(error)
    assert PC.trait in str(error)
    assert lacking(change, set()) == ()
    assert refusals(dataclasses.replace(change, errors=(error,))) == (error,)
