"""The action between two waves."""

from typing import Any

from oslo_log import log as logging
from watcher import objects
from watcher.applier.actions import base
from watcher.common import context, exception, nova_helper

LOG = logging.getLogger(__name__)

MIGRATE = 'migrate'
MOST_NAMED = 4
"""Of actions; Watcher keeps 255 characters of what is told."""

_State = objects.action.State


class Gate(base.BaseAction):
    """Stops an action plan unless all actions of a wave have been done.

    A server that is gone is waited for no more: its room is free. The plan is
    stopped as by an operator who cancels it: what has been done stays so.
    """

    @property
    def schema(self) -> dict[str, Any]:
        """Give what it is told: the actions that it waits for."""
        return {
            'type': 'object',
            'properties': {
                'actions': {'type': 'array', 'items': {'type': 'string'}}
            },
            'required': ['actions'],
            'additionalProperties': False,
        }

    def pre_condition(self) -> None:
        """Look at nothing before: it is what :meth:`execute` does."""

    def execute(self) -> bool:
        """Give True if the next wave may begin.

        :raises WatcherException: if not, once the plan has been stopped
        """
        known = context.make_context()
        actions = [
            objects.Action.get_by_uuid(known, each)
            for each in self.input_parameters['actions']
        ]
        open_ = [each for each in actions if not _is_settled(each)]
        if not open_:
            return True
        named = ', '.join(each.uuid for each in open_[:MOST_NAMED])
        message = (
            f'{len(open_)} of {len(actions)} actions before have not been '
            f'done: {named}{" ..." if open_[MOST_NAMED:] else ""}'
        )
        plan = objects.ActionPlan.get_by_id(known, open_[0].action_plan_id)
        plan.state = objects.action_plan.State.CANCELLING
        plan.status_message = f'Stopped: {message}'
        plan.save()
        raise exception.WatcherException(message)

    def post_condition(self) -> None:
        """Leave nothing to be looked at."""

    def revert(self) -> None:
        """Change nothing back: it has changed nothing."""

    def get_description(self) -> str:
        """Give what people are told of it."""
        return 'Stopping a plan unless all of a wave of it has been done'


def _is_settled(action: Any) -> bool:
    """Whether an action leaves things as the next wave expects them."""
    if action.state == _State.SUCCEEDED:
        return True
    if action.state != _State.SKIPPED:
        return False
    # A service that is skipped is so already.
    return action.action_type != MIGRATE or not _is_there(
        action.input_parameters['resource_id']
    )


def _is_there(server: str) -> bool:
    """Whether there is a server, or nobody can tell."""
    try:
        nova_helper.NovaHelper().find_instance(server)
    except exception.ComputeResourceNotFound:
        return False
    except Exception:
        # Whatever it is: a gate that fails by itself would let all pass.
        LOG.exception('Whether server %s is there is not known', server)
    return True
