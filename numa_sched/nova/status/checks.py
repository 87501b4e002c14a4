"""What is checked, in which order, and how that is printed."""

import functools
import importlib.metadata
import logging
import pathlib
import sys
from collections.abc import Callable, Sequence

from nova import version
from nova.compute import rpcapi
from nova.conf import CONF
from nova.objects import service
from oslo_config import cfg
from oslo_upgradecheck import upgradecheck
from oslo_upgradecheck.upgradecheck import Result

from numa_sched import plugins
from numa_sched.exceptions import ConfigError
from numa_sched.nova.status import hosts, installation, pipelines, settings
from numa_sched.nova.status.cloud import Cloud
from numa_sched.nova.status.findings import first_line, result, warning
from numa_sched.settings import read as read_settings

Check = Callable[['Checks'], Result]

# Beside those of the checks; nova-status has the same.
CANNOT_RUN = 255


def _checked(check: Check) -> Check:
    """Have a check that cannot be made say so in a line."""

    @functools.wraps(check)
    def checked(checks: 'Checks') -> Result:
        try:
            return check(checks)
        except Exception as error:
            return result(
                [
                    warning(
                        f'This cannot be checked, have it answer or run '
                        f'this where nova.conf knows of it: '
                        f'{first_line(error)}'
                    )
                ]
            )

    return checked


class Checks(upgradecheck.UpgradeCommands):
    """The checks, in the order in which things are set up."""

    display_title = 'numa_sched: Check Results'

    def __init__(self) -> None:
        self.cloud = Cloud()

    @_checked
    def release(self) -> Result:
        """Check the release of Nova."""
        return settings.release(version.version_string())

    @_checked
    def installation(self) -> Result:
        """Check whether Nova finds our driver."""
        if installation.is_found():
            return result(())
        return installation.driver(
            *installation.places(),
            wanted=CONF.compute_driver == installation.DRIVER,
        )

    @_checked
    def options(self) -> Result:
        """Check our own options."""
        try:
            plugins.strategy(read_settings(CONF).fit_strategy)
        except ConfigError as error:
            return settings.options(str(error).splitlines())
        return settings.options(())

    @_checked
    def filters(self) -> Result:
        """Check the host filters."""
        chosen = CONF.filter_scheduler
        return settings.filters(
            chosen.available_filters, chosen.enabled_filters
        )

    @_checked
    def weighers(self) -> Result:
        """Check the weighers."""
        return settings.weighers(CONF.filter_scheduler.weight_classes)

    @_checked
    def packing(self) -> Result:
        """Check the order in which claims take cells."""
        name = 'packing_host_numa_cells_allocation_strategy'
        location = CONF.get_location(name, 'compute')
        return settings.packing(
            CONF.compute[name],
            written=location is not None
            and location.location.is_user_controlled,
        )

    @_checked
    def workarounds(self) -> Result:
        """Check the options of ``[workarounds]``."""
        return settings.workarounds(
            [
                name
                for name in settings.WORKAROUNDS
                if getattr(CONF.workarounds, name, False)
            ]
        )

    @_checked
    def pipelines(self) -> Result:
        """Check the pipelines of nova-api."""
        name = CONF.wsgi.api_paste_config
        path = CONF.find_file(name)
        if path is None:
            raise FileNotFoundError(f'{name} is not found')
        return pipelines.check(
            pathlib.Path(path).read_text(),
            warn=CONF.numa_sched.api_contradictions == 'warn',
        )

    @_checked
    def pin(self) -> Result:
        """Check whether what is sent to nova-compute is kept down."""
        return settings.pin(
            CONF.upgrade_levels.compute,
            rpcapi.ComputeAPI.VERSION_ALIASES,
            service.SERVICE_VERSION_HISTORY[-1]['compute_rpc'],
        )

    @_checked
    def services(self) -> Result:
        """Check the versions of nova-compute."""
        return hosts.services(self.cloud.versions, service.SERVICE_VERSION)

    @_checked
    def traits(self) -> Result:
        """Check the traits of the hosts."""
        return hosts.traits(self.cloud.computes, self.cloud.having)

    @_checked
    def drivers(self) -> Result:
        """Check whether two kinds of drivers are in use."""
        return hosts.drivers(self.cloud.computes, self.cloud.having)

    _upgrade_checks = (
        ('Nova release', release),
        ('Place of the driver', installation),
        ('Options of numa_sched', options),
        ('Host filters', filters),
        ('Weighers', weighers),
        ('Order of NUMA cells', packing),
        ('Workarounds', workarounds),
        ('API pipelines', pipelines),
        ('Compute RPC pin', pin),
        ('Compute services', services),
        ('Migration traits', traits),
        ('Compute drivers', drivers),
    )


def run(arguments: Sequence[str]) -> int:
    """Check as the arguments of a command line say, and print the results.

    :returns: 0 for success, 1 for warnings, 2 for failures; 255 if
        ``nova.conf`` cannot be read
    :raises SystemExit: if the arguments cannot be read
    """
    # What goes wrong is in the results; libraries of Nova log it as well.
    logging.getLogger().addHandler(logging.NullHandler())
    checks = Checks()
    try:
        upgradecheck.register_cli_options(CONF, checks)
        CONF(
            list(arguments),
            project='nova',
            prog='numa-sched-status',
            version=importlib.metadata.version('numa-sched'),
        )
        checks.cloud.configure()
    except cfg.Error as error:
        print(f'numa-sched-status: {first_line(error)}', file=sys.stderr)
        return CANNOT_RUN
    upgradecheck.CONF = CONF
    return upgradecheck.run(CONF)
