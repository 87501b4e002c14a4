"""Nova's controller of extra specs, with checks of what flavors want."""

from nova.api.openstack.compute import flavors_extraspecs

from numa_sched.nova.api import changes
from numa_sched.nova.api.checks import Checks


class CheckedExtraSpecs(flavors_extraspecs.FlavorExtraSpecsController):
    """Nova's controller, which also refuses wishes against the rules."""

    REPLACED = ('_check_extra_specs_value',)

    def __init__(self, checks: Checks):
        """Take the checks."""
        super().__init__()
        self._checks = checks

    def _check_extra_specs_value(self, *args, **kwargs):
        # Rights and body are checked already, the flavor is read next.
        check = super()._check_extra_specs_value
        check(*args, **kwargs)
        self._checks.hold(changes.write, check, args, kwargs)
