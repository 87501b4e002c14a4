"""Nobody in the cloud waits for a cell, or is sent to another one."""

import contextlib
import threading
from concurrent import futures

import pytest
from nova import context as nova_context
from nova.db.main import api as database

SECONDS = 60


@contextlib.contextmanager
def used_by_another(cell):
    """Have another thread name a cell, or at least want to, meanwhile."""
    named, over = threading.Event(), threading.Event()

    def use():
        context = nova_context.get_admin_context()
        with nova_context.target_cell(context, cell):
            named.set()
            over.wait()

    user = threading.Thread(target=use)
    user.start()
    try:
        # With Nova's own lock it has to wait, and others for it.
        named.wait(1)
        yield
    finally:
        over.set()
        user.join(1)


def database_of(cell):
    """Give the database of who names a cell or None, in another thread."""

    def ask():
        context = nova_context.get_admin_context()
        with nova_context.target_cell(context, cell) as targeted:
            return database.get_context_manager(targeted)

    return futures.ThreadPoolExecutor(1).submit(ask).result(SECONDS)


def database_of_nobody():
    """Give the database of who does not even say so, in another thread."""
    asked = futures.ThreadPoolExecutor(1).submit(
        lambda: database.get_context_manager(nova_context.get_admin_context())
    )
    return asked.result(SECONDS)


@pytest.fixture
def cells(cloud):
    return cloud.cell_mappings


def test_who_uses_a_cell_may_wait_for_who_names_none(cells):
    context = nova_context.get_admin_context()
    with (
        nova_context.target_cell(context, cells['cell1']) as targeted,
        used_by_another(cells['cell0']),
    ):
        assert database_of_nobody() is targeted.db_connection


def test_who_uses_a_cell_may_wait_for_who_names_it_too(cells):
    context = nova_context.get_admin_context()
    with (
        nova_context.target_cell(context, cells['cell1']) as targeted,
        used_by_another(cells['cell0']),
    ):
        assert database_of(cells['cell1']) is targeted.db_connection
        assert database_of(None) is targeted.db_connection


def test_who_names_no_cell_is_not_sent_where_another_is(cells):
    context = nova_context.get_admin_context()
    with nova_context.target_cell(context, cells['cell1']) as targeted:
        of_computes = targeted.db_connection
    with used_by_another(cells['cell0']):
        assert database_of_nobody() is of_computes


def test_who_names_a_cell_gets_it(cells):
    context = nova_context.get_admin_context()
    with nova_context.target_cell(context, cells['cell0']) as targeted:
        assert database.get_context_manager(targeted) is targeted.db_connection
    with nova_context.target_cell(context, cells['cell1']) as other:
        assert other.db_connection is not targeted.db_connection
