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
