"""What libvirt and QEMU of two hosts do together when a server moves.

Also what libvirt refuses of it, in the words of libvirt.
"""

import dataclasses
import threading
import urllib.parse

import fixtures
from lxml import etree
from nova.tests.fixtures import libvirt as fakelibvirt

DEVICES_WITHOUT_POST_COPY = ('.//hostdev', './/interface[@type="hostdev"]')
# QEMU takes these and loses the server when it is to switch.
LOST_WITH_POST_COPY = (
    './/memory[@model="nvdimm"]',
    './memoryBacking/source[@type="file"]',
)


@dataclasses.dataclass
class Move:
    """One migration, as the hypervisor of the source was told of it."""

    server: str
    destination: str
    flags: int
    params: dict
    told: list = dataclasses.field(default_factory=list)

    def has(self, name):
        """Whether a flag is set, such as 'POSTCOPY'."""
        return bool(self.flags & getattr(fakelibvirt, f'VIR_MIGRATE_{name}'))

    @property
    def features(self):
        """Whether auto-converge and post-copy may be used."""
        return self.has('AUTO_CONVERGE'), self.has('POSTCOPY')


class Held:
    """A migration that goes on until it is told how to end."""

    def __init__(self):
        self.began, self.over = threading.Event(), threading.Event()
        self.fails = False
        self.move = None


class Moves(fixtures.Fixture):
    """Moves the domains of fake libvirt; ``made`` has all that were asked."""

    def __init__(self, connection):
        self.connection = connection
        self.made = []
        self.held = {}
        # Hosts whose QEMU does no post-copy.
        self.refusing = set()

    def _setUp(self):
        for name, method in (
            ('migrateToURI3', self._migrate),
            ('migrateStartPostCopy', lambda domain: self._start(domain)),
            ('suspend', self._telling('suspend')),
            ('resume', self._telling('resume')),
            ('abortJob', self._abort),
        ):
            self.useFixture(
                fixtures.MonkeyPatch(
                    f'nova.tests.fixtures.libvirt.Domain.{name}', method
                )
            )

    def hold(self, server):
        """Have the next migration of a server go on until it is let go."""
        return self.held.setdefault(server, Held())

    def let_go(self, server, *, fails=False):
        """Have a migration that is held come to an end."""
        held = self.held.pop(server)
        held.fails = fails
        held.over.set()

    def of(self, server):
        """Give the last migration of a server."""
        return next(
            move for move in reversed(self.made) if move.server == server
        )

    def _migrate(self, domain, destination, params, flags):
        host = urllib.parse.urlsplit(destination).hostname
        server = domain.UUIDString()
        move = Move(server, host, flags, dict(params))
        self.made.append(move)
        why_not = refusal(domain, move)
        if move.has('POSTCOPY') and host in self.refusing:
            why_not = (
                "unable to execute QEMU command 'migrate-set-capabilities': "
                'Postcopy is not supported'
            )
        if why_not:
            domain._job_type = fakelibvirt.VIR_DOMAIN_JOB_NONE
            raise error(why_not, fakelibvirt.VIR_ERR_ARGUMENT_UNSUPPORTED)
        held = self.held.get(server)
        if held:
            domain._job_type = fakelibvirt.VIR_DOMAIN_JOB_UNBOUNDED
            held.move = move
            held.began.set()
            assert held.over.wait(600), 'the migration was never let go'
            if held.fails:
                if domain._job_type != fakelibvirt.VIR_DOMAIN_JOB_CANCELLED:
                    domain.fail_job()
                raise error('operation failed', None)
        self.connection(host).createXML(params['destination_xml'], 0)
        domain.complete_job()

    def _start(self, domain):
        move = self.of(domain.UUIDString())
        move.told.append('post-copy')
        if not move.has('POSTCOPY'):
            raise error(
                'switching to post-copy requires migration to be started '
                'with VIR_MIGRATE_POSTCOPY flag',
                fakelibvirt.VIR_ERR_OPERATION_INVALID,
            )
        arriving = etree.fromstring(move.params['destination_xml'])
        assert not any(map(arriving.findall, LOST_WITH_POST_COPY)), 'lost'

    def _telling(self, name):
        stock = getattr(fakelibvirt.Domain, name)

        def told(domain):
            for move in self.made:
                if move.server == domain.UUIDString():
                    move.told.append(name)
            return stock(domain)

        return told

    def _abort(self, domain):
        server = domain.UUIDString()
        if domain._job_type == fakelibvirt.VIR_DOMAIN_JOB_NONE:
            raise error(
                'Requested operation is not valid: no job is active',
                fakelibvirt.VIR_ERR_OPERATION_INVALID,
            )
        self.of(server).told.append('abort')
        domain._job_type = fakelibvirt.VIR_DOMAIN_JOB_CANCELLED
        if server in self.held:
            self.let_go(server, fails=True)


def refusal(domain, move):
    """Give why libvirt or QEMU refuses a migration, None if it does not."""
    connections = 'parallel.connections'  # as libvirt has it
    if connections in move.params and not move.has('PARALLEL'):
        return f'Turn parallel migration on to tune it: {connections}'
    if not move.has('POSTCOPY'):
        return None
    if move.has('TUNNELLED'):
        return 'post-copy is not supported with tunnelled migration'
    if domain._state == fakelibvirt.VIR_DOMAIN_PAUSED:
        return 'post-copy is not supported with paused migration'
    tree = etree.fromstring(domain.XMLDesc(0))
    if any(tree.findall(path) for path in DEVICES_WITHOUT_POST_COPY):
        return 'this device is not compatible with postcopy migration'
    return None


def error(message, code):
    """Give an error as libvirt raises it."""
    return fakelibvirt.make_libvirtError(
        fakelibvirt.libvirtError,
        message,
        error_code=code or fakelibvirt.VIR_ERR_INTERNAL_ERROR,
        error_domain=fakelibvirt.VIR_FROM_QEMU,
        error_message=message,
    )
