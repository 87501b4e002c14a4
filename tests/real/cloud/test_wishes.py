"""What a server wishes, by what hosts permit: what QEMU is told to do."""

import pytest

HOSTS = ('compute1', 'compute2')
NEITHER, AUTO_CONVERGE, POST_COPY = (
    (False, False),
    (True, False),
    (False, True),
)
# What each host permits; a server is moved from the first to the second, and
# back.
PERMITS = [(NEITHER, (True, True)), (AUTO_CONVERGE, POST_COPY)]
# By what is wished of auto-converge and post-copy, what is done on a host that
# permits neither, auto-converge, post-copy, both: what the documents say.
DONE = {
    (None, None): (NEITHER, AUTO_CONVERGE, POST_COPY, POST_COPY),
    ('true', None): (AUTO_CONVERGE,) * 4,
    ('true', 'false'): (AUTO_CONVERGE,) * 4,
    (None, 'true'): (POST_COPY,) * 4,
    ('false', 'true'): (POST_COPY,) * 4,
    ('false', None): (NEITHER, NEITHER, POST_COPY, POST_COPY),
    (None, 'false'): (NEITHER, AUTO_CONVERGE, NEITHER, AUTO_CONVERGE),
    ('false', 'false'): (NEITHER,) * 4,
}
ORDER = (NEITHER, AUTO_CONVERGE, POST_COPY, (True, True))


@pytest.fixture(scope='module')
def permit(configure):
    """Have each host permit what is said."""

    def permit(permits):
        configure(
            *(
                {
                    'live_migration_permit_auto_converge': auto_converge,
                    'live_migration_permit_post_copy': post_copy,
                }
                for auto_converge, post_copy in permits
            )
        )

    return permit


@pytest.fixture(scope='module')
def wishing(permit, create):
    """A server of each wish, on the first host."""
    permit(PERMITS[0])
    found = {
        wish: create(auto_converge=wish[0], post_copy=wish[1], on=HOSTS[0])
        for wish in DONE
    }
    for server in found.values():
        assert server.settled().status == 'ACTIVE'
    return found


@pytest.mark.parametrize('permits', PERMITS, ids=str)
def test_qemu_does_what_the_server_wishes(permits, wishing, permit):
    permit(permits)
    for permitted, source, destination in zip(
        permits, HOSTS, reversed(HOSTS), strict=True
    ):
        place = ORDER.index(permitted)
        expected = {wish: done[place] for wish, done in DONE.items()}
        found, switched = moved(wishing, source, destination)
        assert found == expected
        assert switched == {
            wish: post_copy for wish, (_, post_copy) in expected.items()
        }


def moved(servers, source, destination):
    """Move servers; give what QEMU does, and whether it has switched."""
    moves = {wish: server.migrate() for wish, server in servers.items()}
    found = {
        wish: move.under_way().capabilities() for wish, move in moves.items()
    }
    for move in moves.values():
        assert move.source == source
        move.complete()
    for wish, move in moves.items():
        shown = move.ended()
        assert (move.status, shown.status) == ('completed', 'ACTIVE'), wish
        assert shown.compute_host == destination
        assert servers[wish].runs_on(destination), wish
    return found, {wish: move.has_switched for wish, move in moves.items()}
