"""Waves of a plan as an action plan of Watcher, with their order.

Watcher's own planners keep no waves: ``weight`` cuts all migrations into
pairs, ``workload_stabilization`` lets all begin together, and
``node_resource_consolidation`` puts those of one source after each other,
whatever they wait for elsewhere.
"""

from typing import Any

from watcher import objects
from watcher.common import utils
from watcher.decision_engine.planner import weight
from watcher.decision_engine.solution import base

GATE = 'numa_gate'
"""The action between two waves."""


class Waves(base.BaseSolution):
    """A solution whose actions are in waves, one after the other."""

    def __init__(self, goal: Any, strategy: Any):
        """Begin without any."""
        super().__init__(goal, strategy)
        self.waves: list[list[dict[str, Any]]] = []

    def begin(self) -> None:
        """Have the actions from here on wait until those before are done."""
        self.waves.append([])

    def add_action(
        self,
        action_type: str,
        input_parameters: dict[str, Any] | None = None,
        resource_id: str | None = None,
    ) -> None:
        """Take an action into the wave.

        Watcher's own solution drops one that it has had; here a server may
        move as before once it has come back.
        """
        parameters = dict(input_parameters or {})
        if resource_id is not None:
            parameters['resource_id'] = resource_id
        self.waves[-1].append(
            {'action_type': action_type, 'input_parameters': parameters}
        )

    @property
    def actions(self) -> list[dict[str, Any]]:
        """All actions, one wave after the other."""
        return [action for wave in self.waves for action in wave]


class Planner(weight.WeightPlanner):
    """Has each wave begin once all of the one before has been done.

    Between two of them is a gate, which stops the plan where that has not
    been done: Watcher itself goes on after an action that has failed.
    """

    @classmethod
    def get_config_opts(cls) -> list[Any]:
        """Give no option: there is nothing to choose."""
        return []

    def schedule(self, context: Any, audit_id: int, solution: Waves) -> Any:
        """Write the action plan, and give it."""
        plan = self.create_action_plan(context, audit_id, solution)
        self._create_efficacy_indicators(
            context, plan.id, solution.efficacy_indicators
        )
        waves = [wave for wave in solution.waves if wave]
        if not waves:
            plan.state = objects.action_plan.State.SUCCEEDED
            plan.save()
        before: list[str] = []
        for wave in waves:
            if before:
                parameters = {'actions': before}
                gate = {'action_type': GATE, 'input_parameters': parameters}
                before = [_create(context, plan, gate, before)]
            before = [_create(context, plan, each, before) for each in wave]
        return plan


def _create(
    context: Any, plan: Any, action: dict[str, Any], parents: list[str]
) -> str:
    """Write an action that waits for others, and give its UUID."""
    uuid: str = utils.generate_uuid()
    objects.Action(
        context,
        uuid=uuid,
        action_plan_id=plan.id,
        parents=parents,
        state=objects.action.State.PENDING,
        **action,
    ).create()
    return uuid
