"""What a live migration uses: the server's policy over the host's permits.

Pure: takes values, gives values. Rule 7 of ``doc/source/policy.rst``.
"""

import dataclasses

from numa_sched.policy import LiveMigrationPolicy


@dataclasses.dataclass(frozen=True, slots=True)
class Features:
    """Whether auto-converge and post-copy are permitted, or used.

    Two may be permitted; of what is used there is one at most.
    """

    auto_converge: bool
    post_copy: bool


def used(
    policy: LiveMigrationPolicy,
    permitted: Features,
    *,
    paused: bool = False,
    ruled_out: bool = False,
) -> Features:
    """Give the features that a live migration uses.

    What the server wants counts, then what its host permits. As in Nova,
    post-copy goes before auto-converge where a host permits both and the
    server wants neither, and a paused server has just no post-copy.

    :param policy: what the server wants, not both features at once
    :param permitted: ``[libvirt] live_migration_permit_auto_converge`` and
        ``live_migration_permit_post_copy`` of the source
    :param paused: whether the server is paused
    :param ruled_out: whether there can be no post-copy, whoever wants it;
        auto-converge is then what it would be had nobody asked for post-copy
    """
    wanted = policy.post_copy and not ruled_out
    post_copy = not ruled_out and _own_or_permitted(
        policy.post_copy, policy.auto_converge, permitted.post_copy
    )
    auto_converge = not post_copy and _own_or_permitted(
        policy.auto_converge, wanted, permitted.auto_converge
    )
    return Features(auto_converge, post_copy and not paused)


def _own_or_permitted(
    own: bool | None, other: bool | None, permitted: bool
) -> bool:
    """Whether a feature is used: as wanted, else unless the other one is."""
    if own is not None:
        return own
    return permitted and not other
