"""What an operator names in nova.conf loads what the package declares."""

import inspect
import subprocess
import sys
import threading

import pytest
from nova.scheduler import request_filter
from nova.scheduler.filters import BaseHostFilter, HostFilterHandler
from nova.scheduler.weights import BaseHostWeigher, HostWeightHandler

import numa_sched.nova
from numa_sched.nova.scheduler import filters, request_filters, weighers
from tests.cloud import SCHEDULER_OPTIONS


@pytest.fixture(autouse=True)
def request_filters_of_nova(monkeypatch):
    """Start from the list as Nova ships it."""
    pristine = [
        getattr(request_filter, each.__name__)
        for each in request_filter.ALL_REQUEST_FILTERS
        if hasattr(request_filter, each.__name__)
    ]
    monkeypatch.setattr(request_filter, 'ALL_REQUEST_FILTERS', pristine)
    return pristine


def test_the_names_of_the_contract_are_importable_classes():
    assert issubclass(filters.NUMAFitFilter, BaseHostFilter)
    assert issubclass(filters.MigrationDestinationFilter, BaseHostFilter)
    assert issubclass(weighers.NUMAFitWeigher, BaseHostWeigher)


def test_nova_finds_our_filters_among_the_available_ones():
    classes = HostFilterHandler().get_matching_classes(
        SCHEDULER_OPTIONS['available_filters']
    )
    assert filters.NUMAFitFilter in classes
    assert filters.MigrationDestinationFilter in classes
    names = [cls.__name__ for cls in classes]
    assert len(names) == len(set(names))


def test_nova_finds_our_weigher_among_its_own():
    classes = HostWeightHandler().get_matching_classes(
        SCHEDULER_OPTIONS['weight_classes']
    )
    assert weighers.NUMAFitWeigher in classes


def test_all_filters_and_all_weighers_are_functions_as_nova_wants():
    assert inspect.isfunction(numa_sched.nova.all_filters)
    assert inspect.isfunction(numa_sched.nova.all_weighers)


def test_request_filters_are_installed_before_isolate_aggregates(
    request_filters_of_nova,
):
    stock = list(request_filters_of_nova)
    numa_sched.nova.all_filters()
    names = [each.__name__ for each in request_filters_of_nova]
    place = names.index('isolate_aggregates')
    ours = ['live_migration_policy', 'note_refusals', 'begin']
    assert names[place - len(ours) : place] == ours
    assert request_filters_of_nova[place] is (
        request_filters.isolate_aggregates
    )
    assert [each.__name__ for each in stock] == [
        name for name in names if name not in ours
    ]


def test_several_workers_in_one_process_install_them_once(
    request_filters_of_nova,
):
    workers = [
        threading.Thread(target=numa_sched.nova.all_filters) for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    names = [each.__name__ for each in request_filters_of_nova]
    assert names.count('live_migration_policy') == 1
    assert names.count('isolate_aggregates') == 1


def test_a_plugin_that_cannot_be_loaded_is_left_out_and_named(
    monkeypatch, caplog
):
    import importlib.metadata

    import stevedore

    broken = importlib.metadata.EntryPoint(
        'Broken', 'no_such_module:Broken', 'numa_sched.host_filters'
    )
    listed = stevedore.ExtensionManager.list_entry_points

    def with_broken(self):
        return [*listed(self), broken]

    monkeypatch.setattr(
        stevedore.ExtensionManager, 'list_entry_points', with_broken
    )
    with caplog.at_level('ERROR'):
        classes = numa_sched.nova.all_filters()
    assert filters.NUMAFitFilter in classes
    assert 'Broken = no_such_module:Broken' in caplog.text


def test_the_package_can_be_imported_before_nova_has_registered_its_objects():
    # The one that imports least of Nova comes first.
    names = (
        'numa_sched.nova.scheduler.source, numa_sched.nova.scheduler.filters'
    )
    subprocess.run([sys.executable, '-c', f'import {names}'], check=True)
