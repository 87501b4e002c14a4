"""Nova's compute API, with checks of what servers want."""

import copy

from nova import objects
from nova.compute import api

from numa_sched.nova.api import changes
from numa_sched.nova.api.checks import Checks


class CheckedAPI(api.API):
    """Nova's compute API, which also refuses wishes against the rules.

    Each check stands as late as it can without anything having been written
    or reserved, so that Nova's own reasons to refuse a request go before
    ours. Nova's arguments are passed on as they come.
    """

    REPLACED = (
        'rebuild',
        'resize',
        '_populate_instance_for_create',
        '_handle_kernel_and_ramdisk',
        '_validate_vtpm_secret_security',
    )

    def __init__(self, checks: Checks):
        """Take the checks."""
        super().__init__()
        self._checks = checks
        self._server: objects.Instance | None = None

    def _about(self, server):
        """Give a copy that knows its server: threads share nothing."""
        ours = copy.copy(self)
        ours._server = server
        return ours

    def rebuild(self, context, instance, *args, **kwargs):
        """Rebuild a server, if its flavor and host allow the image."""
        rebuild = super(CheckedAPI, self._about(instance)).rebuild
        return rebuild(context, instance, *args, **kwargs)

    def resize(self, context, instance, *args, **kwargs):
        """Resize a server, if its image allows the flavor."""
        resize = super(CheckedAPI, self._about(instance)).resize
        return resize(context, instance, *args, **kwargs)

    def _populate_instance_for_create(self, *args, **kwargs):
        # Volumes are reserved next.
        populate = super()._populate_instance_for_create
        self._checks.hold(changes.create, populate, args, kwargs)
        return populate(*args, **kwargs)

    def _handle_kernel_and_ramdisk(self, *args, **kwargs):
        # The last that Nova checks before it rebuilds.
        handle = super()._handle_kernel_and_ramdisk
        handled = handle(*args, **kwargs)
        if self._server is not None:
            self._checks.hold(
                changes.Rebuild(self._server, self.placementclient),
                *(handle, args, kwargs),
            )
        return handled

    def _validate_vtpm_secret_security(self, *args, **kwargs):
        # The last that Nova checks before it resizes to another flavor.
        validate = super()._validate_vtpm_secret_security
        validate(*args, **kwargs)
        self._checks.hold(changes.Resize(self._server), validate, args, kwargs)
