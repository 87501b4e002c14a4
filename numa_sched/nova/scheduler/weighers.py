"""Host weighers."""

import functools
import heapq
import logging as std_logging

import nova.conf
from nova.scheduler import utils, weights
from oslo_log import log as logging

from numa_sched import conf, plugins, rank
from numa_sched.exceptions import NumaSchedError, TopologyError
from numa_sched.fit.capacity import rooms_on
from numa_sched.nova.scheduler import demand, refusals, underway, workers
from numa_sched.nova.scheduler.assess import Assessment
from numa_sched.score import bounded

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

WORST = 0.0


class NUMAFitWeigher(weights.BaseHostWeigher):
    """Ranks hosts by how well the guest fits them after its claim.

    Weights lie between 0 and 1 and follow the scores of the strategies in
    ``[numa_sched] fit_strategy``; Nova does not stretch them, as both ends
    are given. A host that has just refused a live migration gets less.
    Guests without a NUMA topology weigh the same everywhere.
    """

    minval = 0.0
    maxval = 1.0

    def __init__(self, learned=None, remembered=None, choices=None):
        """Take a ``Demand``, a ``Memory`` of refusals and ``Choices``.

        Those of this process if none are given.

        :raises ConfigError: if an option has a bad value
        """
        super().__init__()
        self._demand = learned or demand.of_this_process()
        self._refusals = remembered or refusals.of_this_process()
        self._choices = choices or underway.of_this_process()
        settings = conf.settings(CONF)
        self._make_strategy = plugins.strategy(settings.fit_strategy)
        self._made_of = self._demand.mix()
        self._strategy = self._make_strategy(self._made_of)

    def weight_multiplier(self, host_state):
        """Give the multiplier of a host, from its aggregates or the option."""
        option = CONF.numa_sched.fit_weight_multiplier
        multiplier = utils.get_weight_multiplier(
            host_state, 'fit_weight_multiplier', option
        )
        try:
            return conf.MULTIPLIER(multiplier)
        except ValueError as error:
            _warn_of_multiplier(str(error), option)
            return option

    def weigh_objects(self, weighed_obj_list, weight_properties):
        """Give the weights of the hosts, in their order."""
        host_states = [weighed.obj for weighed in weighed_obj_list]
        try:
            assessment = Assessment(weight_properties, self._demand)
        except Exception as error:
            LOG.warning(
                'Hosts are not ranked by NUMA fit for server %(server)s: what '
                'it asks for cannot be understood (%(error)s).',
                {'server': weight_properties.instance_uuid, 'error': error},
            )
            assessment = None
        if assessment is None or assessment.guest is None:
            return [WORST] * len(host_states)
        server = weight_properties.instance_uuid
        views = assessment.views(host_states)
        expected = self._expected(server, host_states, views)
        verdicts, full = self._foreseen(
            host_states, views, expected.views, assessment
        )
        # Verdicts are kept for later requests, trust is of this moment.
        trust_in = self._refusals.trust_now()
        trust = [trust_in(host_state.host) for host_state in host_states]
        scores = [
            WORST if verdict is None else verdict.score * part
            for verdict, part in zip(verdicts, trust, strict=True)
        ]
        crowds = None
        try:
            crowds = self._crowds(assessment.guest, expected.views, scores)
            full |= {
                number
                for number, score in enumerate(scores)
                if score > WORST
                and expected.may_fail(number, views[number], assessment.guest)
            }
        except Exception:
            _warn_of_nothing_under_way(server)
        weighed = rank.weights(
            scores,
            [host_state.host for host_state in host_states],
            server,
            CONF.numa_sched.fit_share_out,
            crowds,
            full,
        )
        self._watch(server, weighed_obj_list, weighed, verdicts)
        if LOG.isEnabledFor(std_logging.DEBUG):
            _debug_under_way(server, self._choices.count(), crowds, full)
            for told in zip(
                host_states, verdicts, weighed, trust, strict=True
            ):
                _debug_weight(weight_properties, *told)
        return weighed

    def _weigh_object(self, obj, weight_properties):
        """Give the weight of one host state."""
        weighed = weights.WeighedHost(obj, WORST)
        return self.weigh_objects([weighed], weight_properties)[0]

    def _expected(self, server, host_states, views):
        """Give the hosts as they will be, or as they are if that fails."""
        try:
            return self._choices.expected(server, host_states, views)
        except Exception:
            _warn_of_nothing_under_way(server)
            return underway.Expected(views)

    def _foreseen(self, host_states, views, expected, assessment):
        """Give the verdicts on hosts as they will be.

        Where a guest will not fit any more the verdict is that on the host as
        it is; the numbers of those hosts come second.
        """
        verdicts = self._scored(host_states, expected, assessment)
        full = [
            number
            for number, verdict in enumerate(verdicts)
            if verdict is None and expected[number] is not views[number]
        ]
        if full:
            found = self._scored(
                [host_states[number] for number in full],
                [views[number] for number in full],
                assessment,
            )
            for number, verdict in zip(full, found, strict=True):
                verdicts[number] = verdict
        return verdicts, set(full)

    def _crowds(self, guest, views, scores):
        """Give how likely others leave no room on each host, from 0 to 1.

        None if nothing of this worker is under way: the others are taken to
        do as this one.
        """
        own = self._choices.count()
        others = own * (workers.of_this_process().count() - 1) if own else 0
        if not others:
            return None
        return rank.crowds(
            rank.closeness(scores), _rooms(views, guest), others
        )

    def _watch(self, server, weighed_obj_list, weighed, verdicts):
        """Have the best hosts watched, by the weights of all weighers so far.

        Those that come after this one are not known yet, and the multipliers
        of aggregates would take too long.
        """
        multiplier = CONF.numa_sched.fit_weight_multiplier
        totals = [
            each.weight + multiplier * weight
            for each, weight in zip(weighed_obj_list, weighed, strict=True)
        ]
        best = heapq.nlargest(
            underway.WATCHED,
            (
                number
                for number, verdict in enumerate(verdicts)
                if verdict is not None
            ),
            key=totals.__getitem__,
        )
        if best:
            hosts = [
                (weighed_obj_list[number].obj, verdicts[number].claim)
                for number in best
            ]
            try:
                self._choices.watch(server, hosts)
            except Exception:
                _warn_of_nothing_under_way(server)

    def _scored(self, host_states, views, assessment):
        """Give the verdict on each host, with its score; None without one."""
        strategy = self.strategy()
        verdicts = [
            self._verdict(host_state, view, assessment)
            for host_state, view in zip(host_states, views, strict=True)
        ]
        unscored = [
            (host_state, verdict)
            for host_state, verdict in zip(host_states, verdicts, strict=True)
            if verdict is not None and verdict.scored_by is not strategy
        ]
        scores = self._scores(strategy, assessment.guest, unscored)
        for (_, verdict), score in zip(unscored, scores, strict=True):
            verdict.score = bounded(score)
            verdict.scored_by = strategy
        return verdicts

    def strategy(self):
        """Give the strategy, made anew if the mix of guests has changed."""
        mix = self._demand.mix()
        if mix is not self._made_of:
            self._strategy, self._made_of = self._make_strategy(mix), mix
        return self._strategy

    def _verdict(self, host_state, view, assessment):
        try:
            view = view or assessment.view(host_state)
            if view.error is not None:
                raise TopologyError(view.error)
            if view.host is None:
                return None
            verdict = assessment.verdict(host_state, view)
        except Exception as error:
            if view is None or view.warn():
                _warn_of_no_score(host_state, error)
            return None
        return None if verdict.claim is None else verdict

    def _scores(self, strategy, guest, unscored):
        """Give scores, all at once; one by one if that fails."""
        claims = [verdict.claim for _, verdict in unscored]
        if not claims:
            return []
        try:
            return strategy.scores(guest, claims)
        except Exception:
            LOG.warning(
                'The strategy of [numa_sched] fit_strategy = %(strategy)s '
                'fails on several hosts at once; they are scored one by one.',
                {'strategy': CONF.numa_sched.fit_strategy},
                exc_info=True,
            )
        scores = []
        for (host_state, _), claim in zip(unscored, claims, strict=True):
            try:
                scores.append(strategy.score(claim.host, guest, claim))
            except Exception as error:
                _warn_of_no_score(host_state, error)
                scores.append(WORST)
        return scores


@functools.lru_cache(maxsize=100)  # once each, not for every host
def _warn_of_multiplier(why, option):
    LOG.warning(
        'The fit_weight_multiplier in the metadata of an aggregate is passed '
        'over, and that of the option (%(option)s) used: %(why)s.',
        {'option': option, 'why': why},
    )


def _rooms(views, guest):
    """Give how many such guests each host has room for."""
    known = [
        number
        for number, view in enumerate(views)
        if view is not None and view.host is not None
    ]
    rooms = [1.0] * len(views)
    found = rooms_on([views[number].host for number in known], guest)
    for number, room in zip(known, found, strict=True):
        # It fits, whatever the count says.
        rooms[number] = max(room, 1.0)
    return rooms


def _warn_of_nothing_under_way(server):
    LOG.warning(
        'Hosts are ranked for server %(server)s as if nothing were on its way '
        'to them: looking at that fails.',
        {'server': server},
        exc_info=True,
    )


def _debug_under_way(server, own, crowds, full):
    LOG.debug(
        'Server %(server)s: %(own)d servers of this worker are under way, '
        'which may fill %(full)d of the hosts; servers are shared out by up '
        'to %(shared).0f%% because of other workers',
        {
            'server': server,
            'own': own,
            'full': len(full),
            'shared': 100
            * CONF.numa_sched.fit_share_out
            * rank.shared_out(max(crowds or [0.0])),
        },
    )


def _debug_weight(request_spec, host_state, verdict, weight, trust):
    if verdict is None:
        return
    LOG.debug(
        'Host %(host)s, node %(node)s: server %(server)s would take the '
        'cells %(cells)s, weight %(weight).3f, score %(score).3f%(penalty)s',
        {
            'host': host_state.host,
            'node': host_state.nodename,
            'server': request_spec.instance_uuid,
            'cells': verdict.claim.cell_ids,
            'score': verdict.score * trust,
            'weight': weight,
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
