"""Why a host will not do, one reason for each rule."""

import enum
from typing import NamedTuple, Protocol


class Rule(enum.Enum):
    """What a host is held to, in the order in which it is asked."""

    POLICY = 'policy'
    SOURCE = 'source'
    SERVICE = 'service'
    ZONE = 'zone'
    AGGREGATE = 'aggregate'
    TRAITS = 'traits'
    AMOUNTS = 'amounts'
    GROUP = 'group'
    NUMA = 'numa'
    DESTINATION = 'destination'


GIVEN = frozenset({Rule.SOURCE, Rule.POLICY})
"""What nobody would change to have a host pass."""


class Reason(Protocol):
    """What the core gives as a reason: it prints, and can be grouped."""

    def __str__(self) -> str: ...

    @property
    def summary(self) -> str:
        """What it comes to, short of the numbers of the host."""


class Refusal(NamedTuple):
    """Why a host will not do.

    ``text`` has the numbers of the host, ``summary`` is the same for all
    hosts with the same reason.
    """

    rule: Rule
    text: str
    summary: str

    @classmethod
    def of(cls, rule: Rule, reason: Reason) -> 'Refusal':
        """Give the refusal for a reason of the core."""
        return cls(rule, str(reason), reason.summary)
