import pytest

from numa_sched.fit import match


@pytest.mark.parametrize(
    ('accepted', 'placed'),
    [
        ([[1], [2]], 2),
        ([[1, 2], [1]], 2),
        ([[1], [1]], 1),
        ([[1, 2, 3], [1, 2], [1]], 3),
        ([[1, 2], [1, 2], [1, 2], [1, 3]], 3),
        ([[], [1]], 1),
    ],
)
def test_the_largest_assignment_is_found(accepted, placed):
    place = match.match(accepted)
    assert len(place) == placed
    assert len(set(place.values())) == placed
    assert all(host in accepted[guest] for guest, host in place.items())


def test_quotas_bound_how_many_cells_of_a_class_are_used():
    classes = {1: 'near', 2: 'far', 3: 'far'}
    accepted = [[1, 2, 3], [1, 2, 3]]
    assert set(
        match.match(accepted, classes, {'near': 1, 'far': 1}).values()
    ) in ({1, 2}, {1, 3})
    assert set(match.match(accepted, classes, {'far': 2}).values()) == {2, 3}
    assert len(match.match(accepted, classes, {'near': 1})) == 1


def test_a_full_class_makes_room_by_moving_another_guest_cell():
    # Cell 0 takes far host 2 first; cell 1 can only have far host 3.
    classes = {1: 'near', 2: 'far', 3: 'far'}
    place = match.match([[2, 1], [3]], classes, {'near': 1, 'far': 1})
    assert place == {0: 1, 1: 3}


@pytest.mark.parametrize(
    ('accepted', 'cells'),
    [
        ([[1], [2]], ()),
        ([[1], [], [2]], (1,)),
        ([[1], [1], [2, 3]], (0, 1)),
        ([[1, 2], [1, 2], [1, 2], []], (3,)),
    ],
)
def test_the_bottleneck_is_a_group_with_too_few_host_cells(accepted, cells):
    assert match.bottleneck(accepted) == cells


def test_profiles_count_classes_and_not_cells():
    classes = dict.fromkeys(range(64), 'alike')
    assert list(match.profiles(classes, 8)) == [{'alike': 8}]


def test_profiles_are_all_ways_to_take_so_many_cells():
    classes = {0: 'a', 1: 'a', 2: 'b', 3: 'c'}
    assert sorted(
        tuple(sorted(profile.items()))
        for profile in match.profiles(classes, 2)
    ) == [
        (('a', 1), ('b', 1)),
        (('a', 1), ('c', 1)),
        (('a', 2),),
        (('b', 1), ('c', 1)),
    ]
