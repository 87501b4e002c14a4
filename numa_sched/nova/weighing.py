"""What the weighers of the scheduler make of hosts, asked for real ones."""

import math
from collections.abc import Mapping

import nova.conf
from nova import weights as nova_weights
from nova.scheduler import weights

from numa_sched.exceptions import SourceError
from numa_sched.fleet import Weighed, Weigher

CONF = nova.conf.CONF

# It weighs by the request, and its values are worked out without Nova.
OURS = 'NUMAFitWeigher'


class _AskedError(Exception):
    """A weigher has looked at the request."""


class _NoRequest:
    """Stands for a request, where there is none yet."""

    def __getattr__(self, name):
        raise _AskedError


class Weighers:
    """The weighers of ``[filter_scheduler] weight_classes``."""

    def __init__(self) -> None:
        """Load them.

        :raises SourceError: if one cannot be
        """
        try:
            classes = weights.HostWeightHandler().get_matching_classes(
                CONF.filter_scheduler.weight_classes
            )
            self._asked = [each() for each in classes if each.__name__ != OURS]
        except Exception as error:
            words = ' '.join(str(error).split()) or type(error).__name__
            raise SourceError(
                f'[filter_scheduler] weight_classes cannot be loaded: '
                f'{words[:200]}'
            ) from error
        self.known = tuple(
            Weigher(each.__name__, _number(each.minval), _number(each.maxval))
            for each in classes
        )

    def of(self, host_state) -> Mapping[str, Weighed]:
        """Give what each makes of a host, by its name; without ours.

        :param host_state: with its aggregates
        """
        found = {}
        for each in self._asked:
            multiplier = _multiplier(each, host_state)
            if multiplier is not None:
                found[type(each).__name__] = Weighed(
                    _raw(each, host_state), multiplier
                )
        return found


def _multiplier(weigher, host_state) -> float | None:
    """Give the multiplier of a weigher on a host, None if it gives none."""
    try:
        return _number(weigher.weight_multiplier(host_state))
    except Exception:  # somebody else's weigher
        return None


def _raw(weigher, host_state) -> float | None:
    """Give the number of a weigher, None if it needs more than the host."""
    stock = nova_weights.BaseWeigher.weigh_objects
    if type(weigher).weigh_objects is not stock:
        return None
    weighed = weights.WeighedHost(host_state, 0.0)
    try:
        (raw,) = weigher.weigh_objects([weighed], _NoRequest())
        return _number(raw)
    except Exception:
        return None


def _number(value) -> float | None:
    """Give a number, None where it is none that can be told."""
    if value is None or not math.isfinite(value):
        return None
    return float(value)
