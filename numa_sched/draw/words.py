"""What is written in drawings: names made harmless, amounts of memory."""

import math

_UNITS = (
    ('Ti', 1024**3),
    ('Gi', 1024**2),
    ('Mi', 1024),
)


def plain(text: str) -> str:
    r"""Give a text in one line, without anything that is not printed.

    Whoever names a server must not be able to move the cursor, to turn the
    direction of writing or to break a page; such characters come out as
    Python writes them, as in ``\x1b``.
    """
    if text.isprintable():
        return text
    return ''.join(
        char if char.isprintable() else ascii(char)[1:-1] for char in text
    )


def encodable(text: str, encoding: str) -> str:
    r"""Give a text with what an encoding lacks written as ``\u20ac``."""
    return text.encode(encoding, 'backslashreplace').decode(encoding)


def amount(kib: int) -> str:
    """Give KiB in few letters: ``512Mi``, ``1.5Gi``; rounded towards 0."""
    if kib < 0:
        return f'-{amount(-kib)}'
    for unit, factor in _UNITS:
        if kib >= factor:
            whole, rest = divmod(kib * 10 // factor, 10)
            # Beyond 100 nobody reads the tenths.
            return (
                f'{whole}.{rest}{unit}'
                if rest and whole < 100
                else (f'{whole}{unit}')
            )
    return f'{kib}Ki' if kib else '0'


def page_size(kib: int) -> str:
    """Give the size of a page, exactly: ``2 MiB``."""
    for unit, factor in (('GiB', 1024**2), ('MiB', 1024)):
        if kib % factor == 0:
            return f'{kib // factor} {unit}'
    return f'{kib} KiB'


def counted(number: int, what: str) -> str:
    """Give a number of things: ``1 cell``, ``2 cells``."""
    return f'{number} {what}' if number == 1 else f'{number} {what}s'


def vcpus(number: float) -> str:
    """Give a number of shared CPUs, whole; what is not there is not."""
    return str(math.floor(number))
