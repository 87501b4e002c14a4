"""Topologies of hosts that nobody has looked at yet.

Nova keeps the topology of a host as text in its row, and makes objects of it
for every host at every request: two hundred a host, of which it looks at
those of one. Here the text is kept instead, until somebody asks anything.
"""

import threading
from typing import Any

from nova.objects import numa
from oslo_log import log as logging

from numa_sched.nova import releases

LOG = logging.getLogger(__name__)

# One for all: it is held while a text is parsed, and few ever are.
_LOCK = threading.RLock()
_TEXT = '_numa_sched_text'

_METHOD = 'obj_from_db_obj'
_as_it_was = vars(numa.NUMATopology)[_METHOD]
_stock = numa.NUMATopology.obj_from_db_obj


class Unread(numa.NUMATopology):
    """The text of a topology, which becomes what it says when it is touched.

    It becomes that itself: from then on it is an object of Nova's own class,
    with what Nova's own reading has made, and nothing of ours is left in it.
    Whoever refers to it need not know. Where the text cannot be read, each
    touch raises what Nova's reading does.

    Not registered as a versioned object: nothing is ever made one by its
    name.
    """

    def __new__(cls, text: str) -> 'Unread':
        """Give one of a text, which is not looked at."""
        made = object.__new__(cls)
        object.__setattr__(made, _TEXT, text)
        return made

    def __init__(self, text: str):
        """Have nothing set that a versioned object begins with."""

    # What Python looks up on the class by itself is Nova's, and asks for
    # attributes first thing.
    def __getattribute__(self, name: str) -> Any:
        """Give an attribute of what the text says."""
        _read(self)
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute of what the text says."""
        _read(self)
        setattr(self, name, value)

    def __delattr__(self, name: str) -> None:
        """Delete an attribute of what the text says."""
        _read(self)
        delattr(self, name)


def _read(unread: Unread) -> None:
    with _LOCK:
        if type(unread) is not Unread:
            return  # another thread was faster
        there = object.__getattribute__(unread, '__dict__')
        try:
            read = _stock(there[_TEXT])
        except AttributeError as error:
            # Who asks whether there is an attribute would take it for no.
            raise ValueError(str(error)) from error
        fields = dict(vars(read))
        for value in fields.values():
            # Lists and sets of versioned objects know whose they are.
            if getattr(value, '_obj', None) is read:
                value._obj = unread
        # The class last: until then others wait for the lock.
        there.update(fields)
        object.__setattr__(unread, '__class__', type(read))
        del there[_TEXT]


def text_of(topology: Any) -> str | None:
    """Give the text of a topology that nobody has looked at, else None."""
    if type(topology) is not Unread:
        return None
    there = object.__getattribute__(topology, '__dict__')
    text: str | None = there.get(_TEXT)
    return text


def _leave_unread(cls: type, db_obj: Any) -> Any:
    if cls is not numa.NUMATopology or type(db_obj) is not str:
        return _stock.__func__(cls, db_obj)
    return Unread(db_obj)


def install() -> bool:
    """Have this process leave the topologies of hosts unread; give whether.

    Not with a release of Nova that this was not tested with, which is
    logged.
    """
    if not releases.may_leave_topologies_unread():
        return False
    setattr(numa.NUMATopology, _METHOD, classmethod(_leave_unread))
    return True


def uninstall() -> None:
    """Have Nova read topologies at once again, as it does by itself."""
    setattr(numa.NUMATopology, _METHOD, _as_it_was)
