"""Host weighers."""

import nova.conf
import stevedore
from nova.scheduler import utils, weights
from oslo_log import log as logging

from numa_sched.exceptions import NumaSchedError, TopologyError
from numa_sched.fit.reasons import Misfit
from numa_sched.nova import convert
from numa_sched.nova.assess import first_claim

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

WORST = 0.0


class NUMAFitWeigher(weights.BaseHostWeigher):
    """Ranks hosts by how well the guest fits them after its claim.

    Weights are scores from 0 to 1 of the strategy in ``[numa_sched]
    fit_strategy``. They are absolute: Nova does not stretch them, as both
    ends are given. Guests without a NUMA topology weigh the same everywhere.
    """

    minval = 0.0
    maxval = 1.0

    def __init__(self):
        super().__init__()
        self.strategy = load_strategy(CONF.numa_sched.fit_strategy)

    def weight_multiplier(self, host_state):
        """Give the multiplier of a host, from its aggregates or the option."""
        return utils.get_weight_multiplier(
            host_state,
            'fit_weight_multiplier',
            CONF.numa_sched.fit_weight_multiplier,
        )

    def weigh_objects(self, weighed_obj_list, weight_properties):
        """Give the scores of the hosts, in their order."""
        try:
            guest = convert.guest(weight_properties)
        except TopologyError:
            guest = None  # NUMAFitFilter has told why
        if not guest:
            return [WORST] * len(weighed_obj_list)
        return [
            self._score(weighed.obj, guest, weight_properties)
            for weighed in weighed_obj_list
        ]

    def _weigh_object(self, obj, weight_properties):
        """Give the score of one host state."""
        weighed = weights.WeighedHost(obj, WORST)
        return self.weigh_objects([weighed], weight_properties)[0]

    def _score(self, host_state, guest, request_spec):
        try:
            claim = first_claim(host_state, guest, request_spec)
            if isinstance(claim, Misfit):
                return WORST
            host = convert.host(host_state)
            score = self.strategy.score(host, guest, claim)
            LOG.debug(
                'Host %(host)s, node %(node)s: server %(server)s would take '
                'the cells %(cells)s, score %(score).3f',
                {
                    'host': host_state.host,
                    'node': host_state.nodename,
                    'server': request_spec.instance_uuid,
                    'cells': claim.cell_ids,
                    'score': score,
                },
            )
            return min(max(score, self.minval), self.maxval)
        except Exception as error:
            LOG.warning(
                'Host %(host)s, node %(node)s is ranked last: its score '
                'cannot be worked out (%(error)s).',
                {
                    'host': host_state.host,
                    'node': host_state.nodename,
                    'error': error,
                },
                exc_info=not isinstance(error, NumaSchedError),
            )
            return WORST


def load_strategy(name):
    """Give the strategy object of an entry point's name.

    :raises NumaSchedError: if there is none, or it cannot be loaded
    """
    try:
        return stevedore.DriverManager(
            'numa_sched.fit_strategies', name, invoke_on_load=True
        ).driver
    except Exception as error:
        raise NumaSchedError(
            f'[numa_sched] fit_strategy = {name} cannot be used: {error}. '
            f'Choose an entry point of numa_sched.fit_strategies.'
        ) from error
