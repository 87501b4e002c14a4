"""Strategies: what is to be reached, and the plan for it."""

from collections.abc import Iterable, Sequence
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from watcher.decision_engine.strategy.strategies import base

from numa_sched import answers, plan, plugins
from numa_sched.answers.rank import mix_of_servers
from numa_sched.exceptions import NumaSchedError, RequestError
from numa_sched.fleet import Fleet, FleetHost
from numa_sched.plan import telling
from numa_sched.watcher import parameters, source, waves
from numa_sched.watcher.named import Named

LOG = logging.getLogger(__name__)

MOST_TOLD = 255
"""How long what Watcher keeps of an audit in words may be."""

REASON = 'watcher_maintaining'
"""As Watcher's own strategy for maintenance disables services."""


class _Planned(Named, base.BaseStrategy):
    """Reads the cloud, and makes an action plan of a plan for it."""

    goal_name: str
    schema: dict[str, Any]

    def __init__(self, config: Any, osc: Any = None):
        """Take what Watcher gives to all."""
        super().__init__(config, osc)
        self.planner = 'numa_waves'
        self.solution = waves.Waves(goal=self.goal, strategy=self)

    @classmethod
    def get_goal_name(cls) -> str:
        """Give the entry point of its goal."""
        return cls.goal_name

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        """Give what parameters of an audit have to be like."""
        return cls.schema

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        """Give the options of its group in ``watcher.conf``."""
        return [
            cfg.StrOpt(
                'snapshot_command',
                default='numa-sched snapshot -',
                help='A command that reads the cloud and writes a snapshot '
                'of it to its standard output. It is run without a shell, and '
                'needs Nova and its nova.conf, which need not be on this '
                'machine: ssh or a container runtime may run it elsewhere.',
            )
        ]

    def pre_execute(self) -> None:
        """Ask for none of Watcher's own models."""

    def do_execute(self, audit: Any = None) -> None:
        """Make the solution; what is told of it stays with the audit.

        :raises NumaSchedError: if there is nothing to look for it in, or no
            sense in it
        """
        try:
            self._execute(audit)
        except NumaSchedError as error:
            _tell(audit, [str(error)])
            raise

    def _execute(self, audit: Any) -> None:
        if self.audit_scope:
            raise RequestError(
                f'{self.entry_point} heeds no scope: leave it out, and say '
                f'by its parameters what is meant'
            )
        chosen = parameters.with_defaults(self.schema, self.input_parameters)
        fleet = source.fleet(self.config.snapshot_command, chosen['snapshot'])
        terms = parameters.terms(chosen, fleet)
        self.solution.begin()
        found, heading, indicators = self.find(chosen, fleet, terms)
        for wave in found:
            self.solution.begin()
            for step in wave:
                self._migrate(step)
        steps = [step for wave in found for step in wave]
        self.solution.set_efficacy_indicators(
            migrations=len(steps),
            memory=sum(step.memory_mb for step in steps),
            **indicators,
        )
        _tell(audit, heading)

    def find(
        self, chosen: dict[str, Any], fleet: Fleet, terms: plan.Terms
    ) -> tuple[plan.Waves, Sequence[str], dict[str, int]]:
        """Give a plan, what it comes to in words, and in numbers.

        What is to be done before it goes into the solution.

        :raises NumaSchedError: if what it is for is not there
        """
        raise NotImplementedError

    def post_execute(self) -> None:
        """Leave all as it is."""

    def _migrate(self, step: plan.Step) -> None:
        self.solution.add_action(
            self.MIGRATION,
            {
                'migration_type': step.move.name.lower(),
                'source_node': step.source,
                'destination_node': step.destination,
                'resource_name': step.server.name,
            },
            step.server.uuid,
        )


class Drain(_Planned):
    """Moves all servers of hosts to others, by NUMA fit."""

    entry_point = 'numa_drain'
    display = 'Empty hosts, each server to where it fits'
    goal_name = 'numa_empty_hosts'
    schema = parameters.DRAIN

    def find(
        self, chosen: dict[str, Any], fleet: Fleet, terms: plan.Terms
    ) -> tuple[plan.Waves, Sequence[str], dict[str, int]]:
        """Give the plan that empties the hosts."""
        names = dict.fromkeys(chosen['hosts'])
        hosts = [answers.find_host(fleet, name) for name in names]
        strategy = plugins.strategy(fleet.ranking.strategy)
        found = plan.drain(
            fleet, hosts, strategy(mix_of_servers(fleet)), terms
        )
        if chosen['disable']:
            self._disable(hosts)
        staying = (*found.stays, *found.left)
        for each in staying:
            self.solution.add_action('nop', {'message': telling.stays(each)})
        leaving = len({step.server.uuid for step in found.steps})
        return (
            found.waves,
            list(telling.of_drain(found, terms)),
            {'leaving': leaving, 'there': leaving + len(staying)},
        )

    def _disable(self, hosts: Iterable[FleetHost]) -> None:
        for host in hosts:
            if host.disabled is None:
                self.solution.add_action(
                    'change_nova_service_state',
                    {
                        'state': 'disabled',
                        'disabled_reason': REASON,
                        'resource_name': host.name,
                    },
                    host.uuid,
                )


class MakeRoom(_Planned):
    """Moves the fewest servers after which new ones have room."""

    entry_point = 'numa_make_room'
    display = 'Make room for new servers by the fewest migrations'
    goal_name = 'numa_room'
    schema = parameters.MAKE_ROOM

    def find(
        self, chosen: dict[str, Any], fleet: Fleet, terms: plan.Terms
    ) -> tuple[plan.Waves, Sequence[str], dict[str, int]]:
        """Give the plan that makes room."""
        if chosen['flavor']:
            flavor = answers.find_flavor(fleet, chosen['flavor'])
            wanted = answers.of_flavor(
                flavor, None, fleet, zone=chosen['zone']
            )
        else:
            server = answers.find_server(fleet, chosen['like'])
            wanted = answers.like_server(server, fleet, zone=chosen['zone'])
        found = plan.make_room(fleet, wanted, chosen['count'], terms)
        is_there = found.outcome in (plan.Outcome.THERE, plan.Outcome.FOUND)
        return (
            found.waves,
            list(telling.of_room(found, terms)),
            {
                'room': found.count if is_there else found.room,
                'wanted': found.count,
            },
        )


def _tell(audit: Any, lines: Sequence[str]) -> None:
    """Leave word with an audit, and all of it in the log."""
    told = ' '.join(lines)
    LOG.info('Audit %s: %s', audit.uuid, told)
    audit.status_message = (
        told if len(told) <= MOST_TOLD else f'{told[: MOST_TOLD - 3]}...'
    )
    audit.save()
