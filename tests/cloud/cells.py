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

    Here naming a cell leaves that alone: it stays the cell that was made
    last, and nobody ever writes.
    """

    def _setUp(self):
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.tests.fixtures.CellDatabases._wrap_target_cell',
                lambda databases, context, cell_mapping: (
                    databases._real_target_cell(context, cell_mapping)
                ),
            )
        )
