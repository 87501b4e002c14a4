"""Refusing what a request would bring in."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import webob.exc
from oslo_log import log as logging

from numa_sched.nova import settings_or_defaults
from numa_sched.policy import verdict

LOG = logging.getLogger(__name__)


class ChangeOf(Protocol):
    """Gives the change that a call of Nova's makes, None if nothing counts."""

    def __call__(
        self, called: Mapping[str, Any], *, with_images: bool
    ) -> verdict.Change | None:
        """Take the arguments of the call by their names in Nova."""


@dataclasses.dataclass(frozen=True, slots=True)
class Checks:
    """How requests are checked.

    ``refuses`` says whether they are refused, or only warned of, and
    ``with_images`` whether images have a say.
    """

    refuses: bool = True
    with_images: bool = True

    @classmethod
    def configured(cls) -> 'Checks':
        """Give the checks that the operator has asked for, read once."""
        settings = settings_or_defaults()
        return cls(
            refuses=settings.api_contradictions != 'warn',
            with_images=settings.image_wishes,
        )

    def hold(
        self,
        change_of: ChangeOf,
        method: Callable[..., object],
        args: Sequence[object],
        kwargs: Mapping[str, object],
    ) -> None:
        """Hold against the rules what a call of Nova's would change.

        A check that fails is not held against anybody: it leaves an error in
        the log, and the scheduler checks again.

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

    def _why_not(
        self, change_of: ChangeOf, called: Mapping[str, Any]
    ) -> str | None:
        change = change_of(called, with_images=self.with_images)
        if change is None:
            return None
        errors = verdict.refusals(change)
        return verdict.message(change, errors) if errors else None
