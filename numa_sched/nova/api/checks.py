"""Refusing what a request would bring in."""

import dataclasses
import inspect

import webob.exc
from oslo_log import log as logging

from numa_sched.nova import settings_or_defaults
from numa_sched.policy import verdict

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Checks:
    """How requests are checked.

    ``refuses`` says whether they are refused, or only warned of, and
    ``with_images`` whether images have a say.
    """

    refuses: bool = True
    with_images: bool = True

    @classmethod
    def configured(cls):
        """Give the checks that the operator has asked for, read once."""
        settings = settings_or_defaults()
        return cls(
            refuses=settings.api_contradictions != 'warn',
            with_images=settings.image_wishes,
        )

    def hold(self, change_of, method, args, kwargs):
        """Hold against the rules what a call of Nova's would change.

        A check that fails is not held against anybody: it leaves an error in
        the log, and the scheduler checks again.

        :param change_of: gives the change, or None if there is nothing to
            check, from the arguments of the call by their names in Nova
        :param method: what Nova calls
        :raises HTTPBadRequest: if it would break the rules
        """
        try:
            why = self._why_not(
                change_of,
                inspect.signature(method).bind(*args, **kwargs).arguments,
            )
        except Exception:
            LOG.exception(
                'The live-migration policy lets a request pass unchecked'
            )
            return
        if why is None:
            return
        if not self.refuses:
            LOG.warning('Not refused for now: %s', why)
            return
        raise webob.exc.HTTPBadRequest(explanation=why)

    def _why_not(self, change_of, called):
        change = change_of(called, with_images=self.with_images)
        errors = verdict.refusals(change) if change else ()
        return verdict.message(change, errors) if errors else None
