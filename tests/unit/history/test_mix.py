import pytest

from numa_sched.history.mix import (
    MAX_GUESTS,
    MAX_PROJECTS,
    MAX_SERVERS,
    REFRESH_S,
    REPEATED_WITHIN_S,
    START,
    START_COUNTS,
    LearnedMix,
    pinned,
)
from numa_sched.topology import (
    CPUPolicy,
    Guest,
    GuestCell,
)
from tests.builders import A_DEVICE

TWO, FOUR, EIGHT = pinned(2), pinned(4), pinned(8)
HALF_LIFE_S = 1000.0


def learned(*start, half_life_s=HALF_LIFE_S):
    return LearnedMix(start or ((TWO, 1.0),), half_life_s)


def see(mix, guest, times, now, name='', project=None):
    for number in range(times):
        mix.saw(guest, f'{project}{name}{guest}{number}', now, project)


def shares(mix, now):
    """Give the mix as it is once it has been made anew."""
    return dict(mix.get(now + REFRESH_S))


def test_a_mix_begins_with_what_it_is_given():
    mix = learned((TWO, 3.0), (FOUR, 1.0))
    assert dict(mix.get(0.0)) == {TWO: 0.75, FOUR: 0.25}


def test_shares_add_up_to_1():
    assert sum(share for _, share in LearnedMix().get(0.0)) == pytest.approx(1)
    assert sum(share for _, share in START) == pytest.approx(1)


@pytest.mark.parametrize('share', [1.0, 2.0])
def test_the_start_counts_as_much_as_so_many_requests(share):
    mix = learned((TWO, share))
    see(mix, FOUR, int(START_COUNTS), 0.0)
    assert shares(mix, 0.0) == pytest.approx({TWO: 0.5, FOUR: 0.5})


def test_a_request_counts_half_after_the_half_life():
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 1, 0.0)
    # By now the start counts 10, and the request a half.
    see(mix, EIGHT, 10, HALF_LIFE_S)
    assert shares(mix, HALF_LIFE_S) == pytest.approx(
        {TWO: 10 / 20.5, FOUR: 0.5 / 20.5, EIGHT: 10 / 20.5}
    )


def test_what_was_seen_long_ago_is_forgotten():
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 1000, 0.0)
    see(mix, EIGHT, 1, 100 * HALF_LIFE_S)
    assert shares(mix, 100 * HALF_LIFE_S)[EIGHT] == pytest.approx(1.0)


@pytest.mark.parametrize('half_lives', [30, 1100, 10**6])
def test_a_long_silence_does_not_break_it(half_lives):
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 1, 0.0)
    now = half_lives * HALF_LIFE_S
    see(mix, EIGHT, 3, now)
    see(mix, FOUR, 1, now)
    assert shares(mix, now) == pytest.approx(
        {TWO: 0.0, FOUR: 0.25, EIGHT: 0.75}, abs=1e-6
    )


def test_numbers_stay_small_however_long_it_runs():
    mix = learned((TWO, 1.0))
    for number in range(200):
        mix.saw(FOUR, str(number), number * 10 * HALF_LIFE_S)
    assert max(mix._counts[None].values()) < 1e7


def test_one_long_silence_after_another_is_forgotten():
    mix = learned((TWO, 1.0))
    for half_lives in (0, 30, 90, 150):
        see(mix, FOUR, 5, half_lives * HALF_LIFE_S, name=half_lives)
    see(mix, EIGHT, 1, 210 * HALF_LIFE_S)
    assert shares(mix, 210 * HALF_LIFE_S)[EIGHT] == pytest.approx(1.0)


def test_a_clock_that_has_not_moved_forgets_nothing():
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 1000, 0.0)
    see(mix, EIGHT, 1000, 0.0)
    found = shares(mix, 0.0)
    assert found[FOUR] == found[EIGHT]


def test_the_most_frequent_guests_are_the_mix():
    mix = learned((TWO, 1.0))
    for cpus in range(100, 140):
        see(mix, pinned(cpus), cpus, 0.0)
    found = shares(mix, 0.0)
    assert len(found) == MAX_GUESTS
    assert min(guest.cells[0].dedicated for guest in found) == 124
    assert sum(found.values()) == pytest.approx(1.0)


def test_it_does_not_grow_without_bound():
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 5, 0.0)
    for number in range(10_000):
        mix.saw(pinned(1, memory_mb=number + 1), str(number), 0.0)
    assert len(mix._counts[None]) <= 16 * MAX_GUESTS
    assert {TWO, FOUR} <= mix._counts[None].keys()


CRAFTED = [pinned(1, memory_mb=1000 + number) for number in range(16)]


def craft(mix, times, now=0.0, project='crafty'):
    """Ask for many kinds of guests, each so often."""
    for guest in CRAFTED:
        see(mix, guest, times, now, project=project)


def share_of(found, guests):
    return sum(found.get(guest, 0.0) for guest in guests)


def test_one_project_is_at_most_half_of_a_mix_that_has_just_begun():
    mix = learned((TWO, 1.0), (FOUR, 1.0))
    craft(mix, 60)
    found = shares(mix, 0.0)
    # The sixteen most frequent: the start, and fourteen of its own.
    assert share_of(found, CRAFTED) < 0.5
    assert max(found[guest] for guest in found if guest in CRAFTED) < 0.04
    assert found[TWO] == found[FOUR] > 0.25


def test_one_project_counts_no_more_than_all_others_together():
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 50, 0.0, project='a')
    see(mix, EIGHT, 30, 0.0, project='b')
    see(mix, pinned(6), 5000, 0.0, project='crafty')
    assert shares(mix, 0.0) == pytest.approx(
        {TWO: 0.1, FOUR: 0.25, EIGHT: 0.15, pinned(6): 0.5}
    )


def test_projects_below_half_of_all_are_not_bounded():
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 40, 0.0, project='a')
    see(mix, EIGHT, 20, 0.0, project='b')
    assert shares(mix, 0.0) == pytest.approx(
        {TWO: 0.25, FOUR: 0.5, EIGHT: 0.25}
    )


def test_requests_of_projects_that_are_not_told_are_not_bounded():
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 170, 0.0)
    see(mix, EIGHT, 10, 0.0, project='a')
    assert shares(mix, 0.0)[FOUR] == pytest.approx(0.85)


@pytest.mark.parametrize(
    ('half_lives', 'share'), [(0, 1 / 2), (1, 2 / 3), (2, 4 / 5), (4, 16 / 17)]
)
def test_a_project_alone_is_learned_as_the_start_is_forgotten(
    half_lives, share
):
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 1, 0.0)
    now = half_lives * HALF_LIFE_S
    see(mix, EIGHT, 5000, now, project='alone')
    found = mix.get(now + REFRESH_S)
    assert dict(found)[EIGHT] == pytest.approx(share, abs=0.03)


def test_projects_are_kept_apart_up_to_a_number():
    mix = learned((TWO, 1.0))
    craft(mix, 10, project='first')
    for number in range(3 * MAX_PROJECTS):
        see(mix, EIGHT, 1, 0.0, project=f'{number}')
    assert len(mix._counts) <= MAX_PROJECTS
    assert 'first' in mix._counts
    assert shares(mix, 0.0)[EIGHT] == pytest.approx(
        3 * MAX_PROJECTS / (3 * MAX_PROJECTS + START_COUNTS + 160), rel=0.1
    )


def test_the_guests_of_a_project_are_bounded():
    mix = learned((TWO, 1.0))
    see(mix, FOUR, 5, 0.0, project='a')
    for number in range(5000):
        mix.saw(pinned(1, memory_mb=number + 1), str(number), 0.0, 'a')
    assert len(mix._counts['a']) <= 4 * MAX_GUESTS
    assert FOUR in mix._counts['a']


@pytest.mark.parametrize(
    ('project', 'guests', 'kept'),
    [
        ('a', 4 * MAX_GUESTS, 4 * MAX_GUESTS),
        ('a', 4 * MAX_GUESTS + 1, MAX_GUESTS),
        (None, 16 * MAX_GUESTS - 1, 16 * MAX_GUESTS),
        (None, 16 * MAX_GUESTS, 4 * MAX_GUESTS),
    ],
)
def test_beyond_a_bound_only_the_most_frequent_guests_are_kept(
    project, guests, kept
):
    mix = learned((TWO, 1.0))
    for number in range(guests):
        guest = pinned(1, memory_mb=number + 1)
        mix.saw(guest, str(number), 0.0, project)
    assert len(mix._counts[project]) == kept


@pytest.mark.parametrize(
    ('forgotten', 'kept'),
    [
        (5, 1 + 5),
        (16 * MAX_GUESTS - 1, 16 * MAX_GUESTS),
        (16 * MAX_GUESTS, 4 * MAX_GUESTS),
    ],
)
def test_what_projects_that_are_forgotten_asked_for_is_not(forgotten, kept):
    mix = learned((TWO, 1.0))
    for number in range(MAX_PROJECTS - 1 + forgotten):
        guest = pinned(1, memory_mb=number + 1)
        mix.saw(guest, str(number), 0.0, str(number))
    assert len(mix._counts) == MAX_PROJECTS
    assert len(mix._counts[None]) == kept
    assert sorted(mix._counts[None].values()) == [1.0] * (kept - 1) + [
        START_COUNTS
    ]


def test_the_guests_of_all_small_projects_together_are_bounded():
    mix = learned((TWO, 1.0))
    for number in range(3 * MAX_PROJECTS):
        guest = pinned(1, memory_mb=number + 1)
        mix.saw(guest, str(number), 0.0, str(number))
    assert len(mix._counts[None]) <= 16 * MAX_GUESTS
    assert TWO in mix._counts[None]


def test_the_mix_is_the_same_object_while_little_changes():
    mix = learned((TWO, 1.0))
    before = mix.get(0.0)
    see(mix, FOUR, 1, 0.0)
    assert mix.get(10 * REFRESH_S) is before


def test_little_changes_add_up():
    mix = learned((TWO, 1.0))
    before = mix.get(0.0)
    for number in range(10):
        see(mix, FOUR, 1, number * REFRESH_S, name=number)
        after = mix.get(number * REFRESH_S)
    assert after is not before
    assert FOUR in dict(after)


def test_the_mix_is_made_anew_from_time_to_time_only():
    mix = learned((TWO, 1.0))
    before = mix.get(1000.0)
    see(mix, FOUR, 100, 1000.0)
    assert mix.get(1000.0 + REFRESH_S - 1) is before
    assert mix.get(1000.0 + REFRESH_S) is not before


def test_a_rare_guest_that_gives_way_to_another_is_a_little_change():
    often = ((pinned(100 + number), 13.0) for number in range(MAX_GUESTS - 1))
    mix = learned(*often, (TWO, 1.0))
    before = mix.get(0.0)
    see(mix, FOUR, 1, 0.0)
    assert mix.get(REFRESH_S) is before
    see(mix, FOUR, 1, 0.0, name='other')
    after = mix.get(2 * REFRESH_S)
    assert FOUR in dict(after)
    assert TWO not in dict(after)


def test_the_same_server_again_does_not_count():
    mix = learned((TWO, 1.0))
    for _ in range(1000):
        mix.saw(FOUR, 'server', 0.0)
    assert shares(mix, 0.0) == {TWO: 1.0}


def test_the_same_server_does_not_count_again_after_other_servers():
    mix = learned((TWO, 1.0))
    for _ in range(100):
        see(mix, FOUR, 10, 0.0)
    assert shares(mix, 0.0)[FOUR] == pytest.approx(10 / (10 + START_COUNTS))


def test_a_server_that_asks_for_something_else_counts():
    mix = learned((TWO, 1.0))
    for number in range(10):
        mix.saw(FOUR, f'server{number}', 0.0)
        mix.saw(EIGHT, f'server{number}', 0.0)
    found = shares(mix, 0.0)
    assert found[EIGHT] == found[FOUR] > 0


@pytest.mark.parametrize(
    ('seconds', 'counts'),
    [(REPEATED_WITHIN_S, 10), (REPEATED_WITHIN_S + 1, 20)],
)
def test_a_server_counts_again_after_a_while(seconds, counts):
    mix = learned((TWO, 1.0), half_life_s=1e12)
    see(mix, FOUR, 10, 1e6)
    see(mix, FOUR, 10, 1e6 + seconds)
    assert shares(mix, 1e6 + seconds)[FOUR] == pytest.approx(
        counts / (START_COUNTS + counts)
    )


def test_only_so_many_servers_are_known():
    mix = learned((TWO, 1.0))
    for number in range(3 * MAX_SERVERS):
        mix.saw(FOUR, f'server{number}', 0.0)
    assert len(mix._servers) == MAX_SERVERS


def test_another_server_of_the_same_kind_counts():
    mix = learned((TWO, 1.0))
    for number in range(1000):
        mix.saw(FOUR, f'server{number}', 0.0)
    assert shares(mix, 0.0)[FOUR] > 0.9


def test_networks_do_not_make_a_guest_another():
    mix = learned((TWO, 1.0))
    near = Guest(FOUR.cells, physnets=frozenset('a'))
    see(mix, near, 100, 0.0)
    assert set(shares(mix, 0.0)) == {TWO, FOUR}


def test_devices_make_a_guest_another():
    mix = learned((TWO, 1.0))
    with_device = Guest(FOUR.cells, devices=A_DEVICE)
    see(mix, with_device, 100, 0.0)
    assert set(shares(mix, 0.0)) == {TWO, with_device}


def test_guests_that_a_mix_names_twice_begin_with_both_shares():
    mix = learned((TWO, 1.0), (FOUR, 1.0), (TWO, 2.0))
    assert dict(mix.get(0.0)) == {TWO: 0.75, FOUR: 0.25}


def test_a_half_life_of_0_learns_nothing():
    mix = learned((TWO, 1.0), half_life_s=0.0)
    before = mix.get(0.0)
    see(mix, FOUR, 1000, 0.0)
    assert mix.get(1e9) is before


def test_pinned_guests_are_spread_evenly():
    cell = GuestCell(8, dedicated=4, cpu_policy=CPUPolicy.DEDICATED)
    assert pinned(8, cells=2, memory_mb=8) == Guest((cell, cell))


@pytest.mark.parametrize('half_life', [1e-300, 1e-6, 315_360_000.0])
def test_a_mix_stays_one_at_both_ends_of_the_half_life(half_life):
    mix = LearnedMix(half_life_s=half_life)
    for number in range(100):
        mix.saw(EIGHT, str(number), number * 1e5)
    shares = [share for _, share in mix.get(1e9)]
    assert sum(shares) == pytest.approx(1.0)
    assert all(0.0 <= share <= 1.0 for share in shares)
