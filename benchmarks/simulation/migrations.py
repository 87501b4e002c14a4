"""Room made by migrations: for requests that were refused, or beforehand.

Plans are somebody else's, a :class:`Planner`'s. They take their time here as
migrations do, other requests come meanwhile, and destinations may refuse.
"""

import collections
import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from benchmarks.simulation import Server, Shape, Simulation

MOST_PLANS = 4
"""For one request: the first, and three when that has come to nothing."""

MOST_SAVED = 10
"""Migrations that may be saved up by who keeps room."""

MOST_AT_ONCE = 2
"""Of these so many may be in a plan: the fewest are found up to here."""


class Move(NamedTuple):
    """A live migration of a server, by its name, from host to host."""

    server: str
    source: str
    destination: str


Plan = Sequence[Sequence[Move]]
"""Waves of moves; those of a wave go on at the same time."""


class Planner(Protocol):
    """Who knows which servers to move."""

    def make_room(
        self, simulation: Simulation, shape: Shape, most: int
    ) -> Plan | None:
        """Give a plan after which a new server has room.

        It is empty if there is room, None if there is no plan.

        :param most: migrations that there may be
        """

    def keep_room(self, simulation: Simulation, most: int) -> Plan:
        """Give a plan that restores room for servers to come, or a part."""


@dataclasses.dataclass(slots=True)
class Moves:
    """What was done.

    ``requests`` are those refused at first, ``asked_again`` those of them
    that were asked again for no more than that there was room by then.
    ``rescued`` were placed in the end, after ``plans`` that moved something.
    ``begun`` are migrations, ``failed`` those of them that no host took.
    """

    requests: int = 0
    asked_again: int = 0
    rescued: int = 0
    plans: int = 0
    begun: int = 0
    failed: int = 0
    memory_mb: int = 0

    @property
    def migrations(self) -> int:
        """Migrations that moved a server."""
        return self.begun - self.failed


class Mover:
    """Carries plans out, one at a time, each made when its turn has come."""

    def __init__(self, simulation: Simulation):
        """Begin with nothing to do."""
        self.simulation = simulation
        self._jobs = collections.deque[Callable[[], None]]()
        self._busy = False

    def in_turn(self, job: Callable[[], None]) -> None:
        """Have a job done once no other is; it ends with :meth:`free`."""
        self._jobs.append(job)
        if not self._busy:
            self._next()

    def free(self) -> None:
        """End the job, and begin the next."""
        self._busy = False
        self._next()

    def _next(self):
        if self._jobs:
            self._busy = True
            self._jobs.popleft()()

    def carry_out(
        self, plan: Plan, counts: Moves, ended: Callable[[int, bool], None]
    ) -> None:
        """Do what a plan says, as long as all of it can be done.

        :param ended: gets how many servers were moved, and whether all
        """
        if plan:
            counts.plans += 1
        self._wave(list(plan), 0, counts, ended)

    def _wave(self, waves, done, counts, ended):
        if not waves:
            ended(done, True)
            return
        wave, *rest = waves
        answers: list[bool] = []

        def answered(moved):
            answers.append(moved)
            if len(answers) < len(wave):
                return
            so_far = done + sum(answers)
            if all(answers):
                self._wave(rest, so_far, counts, ended)
            else:
                ended(so_far, False)

        for move in wave:
            self._begin(move, counts, answered)

    def _begin(self, move, counts, answered):
        server = self.simulation.servers.get(move.server)
        if server is None or server.moving or server.host != move.source:
            answered(False)
            return
        counts.begun += 1

        def told(moved):
            if moved:
                counts.memory_mb += server.shape.memory_mb
            else:
                counts.failed += 1
            answered(moved)

        self.simulation.migrate_to(server, move.destination, told)


class RoomMaker:
    """Makes room for each request that was refused, and asks again.

    One after the other, so that none takes the room of another.
    """

    def __init__(
        self,
        simulation: Simulation,
        mover: Mover,
        planner: Planner,
        most: int,
    ):
        """Take how many migrations there may be after each refusal."""
        self.counts = Moves()
        self._simulation, self._mover = simulation, mover
        self._planner, self._most = planner, most
        self._served: Server | None = None
        self._left = self._tries = 0

    def refused(self, server: Server) -> None:
        """Plan anew for who has its turn; all others wait for theirs."""
        if server is self._served:
            self._plan()
            return
        self.counts.requests += 1
        self._mover.in_turn(lambda: self._serve(server))

    def placed(self, server: Server) -> None:
        """End the turn of who has it."""
        if server is self._served:
            self.counts.rescued += 1
            self._end()

    def _serve(self, server):
        self._served = server
        self._left, self._tries = self._most, MOST_PLANS
        self._plan()

    def _plan(self):
        server, simulation = self._served, self._simulation
        plan = None
        if self._tries:
            self._tries -= 1
            plan = self._planner.make_room(
                simulation, server.shape, self._left
            )
        if plan is None:
            simulation.give_up(server)
            self._end()
        elif plan:
            self._mover.carry_out(plan, self.counts, self._carried_out)
        else:
            # What a scheduler has on its way is somewhere by then.
            self.counts.asked_again += 1
            simulation.after(
                simulation.timing.claim_s, simulation.ask_again, server
            )

    def _carried_out(self, moved, whole):
        self._left -= moved
        if whole:
            # Who is refused once more, as others were faster, begins anew.
            self._left = self._most
            self._simulation.ask_again(self._served)
        else:
            self._plan()

    def _end(self):
        self._served = None
        self._mover.free()


class RoomKeeper:
    """Keeps room for servers to come, within a budget."""

    def __init__(
        self,
        simulation: Simulation,
        mover: Mover,
        planner: Planner,
        budget: float,
    ):
        """Take the budget, in migrations for each request.

        What is not needed is saved up, to :data:`MOST_SAVED`.
        """
        self.counts = Moves()
        self._simulation, self._mover = simulation, mover
        self._planner, self.budget = planner, budget
        self._saved = 0.0
        self._waits = False

    def requested(self) -> None:
        """Look whether there is room, if something could be done for it."""
        self._saved = min(self._saved + self.budget, float(MOST_SAVED))
        if self._saved >= 1 and not self._waits:
            self._waits = True
            self._mover.in_turn(self._look)

    def _look(self):
        plan = self._planner.keep_room(
            self._simulation, min(int(self._saved), MOST_AT_ONCE)
        )
        planned = sum(map(len, plan))
        self._saved -= planned

        def ended(moved, whole):
            self._saved += planned - moved
            self._waits = False
            self._mover.free()

        self._mover.carry_out(plan, self.counts, ended)
