"""The databases of the cells, as those who name no cell find them."""

import fixtures


class OneCell(fixtures.Fixture):
    """Has the one cell with computes answer those who name none.

    Nova's fixture answers them with the cell that was named last, by
    anybody, and keeps that with a lock: held while a cell is in use, and
    given to no reader while a writer waits for it. A thread that uses a cell
    and waits for another one, as Nova's tests do when they run the periodic
    tasks, so stands still for good if migrations are listed meanwhile, which
    names cell0; and who asks while that is named is sent there.
    """

    def _setUp(self):
        for name, method in (
            ('_wrap_target_cell', _target),
            ('_wrap_get_context_manager', _database_of),
        ):
            self.useFixture(
                fixtures.MonkeyPatch(
                    f'nova.tests.fixtures.CellDatabases.{name}', method
                )
            )


def _target(databases, context, cell_mapping):
    return databases._real_target_cell(context, cell_mapping)


def _database_of(databases, context):
    named = getattr(context, 'db_connection', None)
    return named or databases._default_ctxt_mgr
