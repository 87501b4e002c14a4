"""One request on many hosts, and what may be done for it."""

from collections.abc import Sequence

from numa_sched.fit.choice import Budget, OutOfSteps
from numa_sched.fit.claim import Claim
from numa_sched.fit.reasons import Misfit, TooManySets
from numa_sched.fit.trial import MAX_STEPS, Trial
from numa_sched.topology import Guest, Host

# A request must not hold up those behind it, on however many hosts: when this
# is done, some 2 s, little more than the first choice of each claim is tried.
MAX_STEPS_OF_REQUEST = 200_000
LEAST_STEPS = 100
STEPS_PER_CANDIDATE = 20


class Allowance:
    """What may be done for one request, on however many hosts."""

    def __init__(self) -> None:
        """Begin a request."""
        self._budget = Budget(MAX_STEPS_OF_REQUEST)

    def part(self) -> Budget:
        """Give what of it is for the next host."""
        steps = max(LEAST_STEPS, min(MAX_STEPS, self._budget.left))
        return Budget(steps, self._budget)


class OnHost:
    """A guest with devices on one host, for all allocation candidates."""

    def __init__(
        self, host: Host, guest: Guest, packing: bool, budget: Budget
    ):
        """Take what may be done for all candidates together."""
        self.host, self._budget = host, budget
        self._trial = Trial(host, guest, packing=packing)
        self._claims: dict[object, Claim | Misfit] = {}

    def claim(self, chosen: Sequence[Sequence[str]] | None) -> Claim | Misfit:
        """Give the claim with the devices of some providers, or why not.

        :param chosen: for each request for devices the providers that
            placement has chosen, none if it has not; None if no devices are
            looked for
        """
        if chosen not in self._claims:
            self._claims[chosen] = self._new_claim(chosen)
        return self._claims[chosen]

    def _new_claim(self, chosen):
        try:
            self._budget.take(STEPS_PER_CANDIDATE)
        except OutOfSteps:
            return Misfit(TooManySets())
        constraints = []
        if chosen is not None:
            constraints.append(self._trial.devices_near(chosen))
        return self._trial.claim(constraints, self._budget)
