"""Host weighers."""

import logging as std_logging

import nova.conf
import stevedore
from nova.scheduler import utils, weights
from oslo_log import log as logging

from numa_sched.exceptions import NumaSchedError
from numa_sched.nova.assess import Assessment
from numa_sched.nova.refusals import trust_now

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

WORST = 0.0


class NUMAFitWeigher(weights.BaseHostWeigher):
    """Ranks hosts by how well the guest fits them after its claim.

    Weights are scores from 0 to 1 of the strategy in ``[numa_sched]
    fit_strategy``. They are absolute: Nova does not stretch them, as both
    ends are given. A host that has just refused a live migration gets less.
    Guests without a NUMA topology weigh the same everywhere.
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
            assessment = Assessment(weight_properties)
        except Exception as error:
            LOG.warning(
                'Hosts are not ranked by NUMA fit for server %(server)s: what '
                'it asks for cannot be understood (%(error)s).',
                {'server': weight_properties.instance_uuid, 'error': error},
            )
            assessment = None
        if assessment is None or assessment.guest is None:
            return [WORST] * len(weighed_obj_list)
        debug = LOG.isEnabledFor(std_logging.DEBUG)
        trust_in = trust_now()
        scores = []
        for weighed in weighed_obj_list:
            try:
                verdict = self._score(weighed.obj, assessment)
            except Exception as error:
                _warn_of_no_score(weighed.obj, error)
                verdict = None
            # A verdict is kept for later requests, trust is of this moment.
            trust = trust_in(weighed.obj.host)
            scores.append(WORST if verdict is None else verdict.score * trust)
            if debug and verdict is not None and verdict.claim is not None:
                _debug_score(weighed.obj, weight_properties, verdict, trust)
        return scores

    def _weigh_object(self, obj, weight_properties):
        """Give the score of one host state."""
        weighed = weights.WeighedHost(obj, WORST)
        return self.weigh_objects([weighed], weight_properties)[0]

    def _score(self, host_state, assessment):
        """Give the verdict on a host, with its score; None without one."""
        view = assessment.view(host_state)
        if view.error is not None:
            raise view.error
        if view.host is None:
            return None
        verdict = assessment.verdict(host_state, view)
        if verdict.scored_by is not self.strategy:
            score = WORST
            if verdict.claim is not None:
                score = self.strategy.score(
                    view.host, assessment.guest, verdict.claim
                )
            verdict.score = min(max(score, self.minval), self.maxval)
            verdict.scored_by = self.strategy
        return verdict


def _debug_score(host_state, request_spec, verdict, trust):
    LOG.debug(
        'Host %(host)s, node %(node)s: server %(server)s would take the '
        'cells %(cells)s, score %(score).3f%(penalty)s',
        {
            'host': host_state.host,
            'node': host_state.nodename,
            'server': request_spec.instance_uuid,
            'cells': verdict.claim.cell_ids,
            'score': verdict.score * trust,
            'penalty': ''
            if trust == 1.0
            else f' ({verdict.score:.3f} by fit, less {1.0 - trust:.0%} as '
            f'the host has refused a live migration)',
        },
    )


def _warn_of_no_score(host_state, error):
    LOG.warning(
        'Host %(host)s, node %(node)s is ranked last: its score cannot be '
        'worked out (%(error)s).',
        {
            'host': host_state.host,
            'node': host_state.nodename,
            'error': error,
        },
        exc_info=not isinstance(error, NumaSchedError),
    )


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
