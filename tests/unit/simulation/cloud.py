"""A cloud whose hosts have slots: a server of n CPUs takes n of them."""

from benchmarks.simulation import Shape

ONE, TWO = Shape('one', 1, 1024), Shape('two', 2, 2048)


class Slots:
    """Schedulers rank hosts by name, those with free slots only.

    What is allocated is known at once, what is claimed only when the claim
    has arrived; ``fits`` says how many slots claims find, which may be fewer
    than were allocated.
    """

    def __init__(self, allocatable, **fits):
        self.allocatable = dict(allocatable)
        self.fits = {**allocatable, **fits}
        self.allocated, self.claimed = {}, {}
        self.asked, self.noted = [], []

    def used(self, host, claims):
        return sum(shape.vcpus for at, shape in claims.values() if at == host)

    def ranked(
        self, scheduler, server, shape, ignored, disabled=(), named=None
    ):
        self.asked.append((scheduler, server, tuple(ignored)))
        return [
            host
            for host in sorted(self.fits)
            if host not in ignored
            and host not in disabled
            and named in (None, host)
            and self.used(host, self.claimed) + shape.vcpus
            <= self.allocatable[host]
        ]

    def allocate(self, claim, shape, host):
        assert claim not in self.allocated
        room = self.allocatable[host] - self.used(host, self.allocated)
        if shape.vcpus > room:
            return False
        self.allocated[claim] = host, shape
        return True

    def chosen(self, server, host):
        assert server == self.asked[-1][1]
        self.noted.append((server, host))

    def claim(self, claim, shape, host):
        assert self.allocated[claim] == (host, shape)
        if self.used(host, self.claimed) + shape.vcpus > self.fits[host]:
            return False
        self.claimed[claim] = host, shape
        return True

    def release(self, claim):
        del self.allocated[claim]
        self.claimed.pop(claim, None)

    def hosts(self):
        """Give how many claims each host has."""
        found = dict.fromkeys(self.fits, 0)
        for host, _ in self.claimed.values():
            found[host] += 1
        return found
