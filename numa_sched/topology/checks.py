"""How the values check themselves when they are made."""

from numa_sched.exceptions import TopologyError


def require(truth: bool, message: str) -> None:
    """Raise :class:`TopologyError` with a message unless something holds."""
    if not truth:
        raise TopologyError(message)
