"""How often Python looks for garbage in nova-scheduler."""

import gc


def look_after(objects: int) -> None:
    """Have Python look for garbage once so many objects more are there.

    What is there by now is never looked through again: it stays until the
    process ends. To be called when nova-scheduler starts, before it forks its
    workers, which so share the memory of that, too.

    :param objects: that can refer to others; 0 to leave all as it is
    """
    if not objects:
        return
    gc.collect()
    gc.freeze()
    _, *older = gc.get_threshold()
    gc.set_threshold(objects, *older)
