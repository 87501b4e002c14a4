"""Nova's compute API, with checks of what servers want."""

import copy

from nova import objects
from nova.compute import api

from numa_sched.nova import releases
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
        '_check_quota_for_upsize',
        releases.last_check_of_resize(api.API),
    )

    def __init__(self, checks: Checks):
        """Take the checks."""
        super().__init__()
        self._checks = checks
        self._server: objects.Instance | None = None
        self._flavor: objects.Flavor | None = None

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

    def _check_quota_for_upsize(self, *args, **kwargs):
        # Not the last that Nova checks before it resizes to another flavor,
        # but the last that all releases tell which one.
        check = super()._check_quota_for_upsize
        check(*args, **kwargs)
        if self._server is not None:
            self._checks.hold(self._take_flavor, check, args, kwargs)

    def _take_flavor(self, called, *, with_images):
        self._flavor = called['new_flavor']

    def _check_compute_service_for_mixed_instance(self, *args, **kwargs):
        check = super()._check_compute_service_for_mixed_instance
        check(*args, **kwargs)
        self._hold_resize(check, args, kwargs)

    def _validate_vtpm_secret_security(self, *args, **kwargs):
        check = super()._validate_vtpm_secret_security
        check(*args, **kwargs)
        self._hold_resize(check, args, kwargs)

    def _hold_resize(self, check, args, kwargs):
        last = releases.last_check_of_resize(api.API)
        if self._flavor is not None and check.__name__ == last:
            self._checks.hold(
                changes.Resize(self._server, self._flavor),
                *(check, args, kwargs),
            )
