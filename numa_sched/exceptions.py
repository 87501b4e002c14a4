"""Every error of the package, split by whose data is wrong."""


class NumaSchedError(Exception):
    """Root of all errors that this package raises on its own account."""


class PolicyError(NumaSchedError):
    """A flavor or an image asks for a live migration that cannot be."""


class TopologyError(NumaSchedError):
    """A host or a request describes a NUMA topology that cannot be."""


class ConfigError(NumaSchedError):
    """An option has a value that cannot be used."""


class SnapshotError(NumaSchedError):
    """A snapshot of a fleet cannot be read."""


class NotFoundError(NumaSchedError):
    """An operator names what there is not, or more than one of it."""


class SourceError(NumaSchedError):
    """A cloud cannot be asked: no database, no configuration, no Nova."""


class OutputError(NumaSchedError):
    """A file cannot be written."""


class RequestError(NumaSchedError):
    """What a server or a flavor asks for cannot be understood."""


class JournalError(NumaSchedError):
    """A journal cannot be read, or is of something else."""


class RefusedError(NumaSchedError):
    """The API of a cloud refuses what it is asked for.

    ``status`` is that of HTTP.
    """

    def __init__(self, message: str, status: int):
        """Take what it says, and the status."""
        super().__init__(message)
        self.status = status


class ForbiddenError(RefusedError):
    """The API of a cloud says that the caller may not ask for that."""


class UnansweredError(NumaSchedError):
    """The API of a cloud gives no answer, or says that it is broken."""
