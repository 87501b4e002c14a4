"""Clouds and requests by chance, to ask two schedulers the same."""

from benchmarks.scheduler.database import Asked, Database, flavor, seeded

from nova import objects  # isort: skip  (registered by the one above)

import dataclasses

from numa_sched import cpumask
from numa_sched.topology import Host
from tests.builders import make_cell

KINDS = ((2, 16), (2, 12), (4, 8), (8, 4))
PAGES = ((4, 2**20), (2048, 2048), (1048576, 8))
POLICIES = (
    {'hw:cpu_policy': 'dedicated'},
    {'hw:cpu_policy': 'dedicated', 'hw:cpu_thread_policy': 'isolate'},
    {'hw:cpu_policy': 'dedicated', 'hw:cpu_thread_policy': 'require'},
    {'hw:cpu_policy': 'dedicated', 'hw:emulator_threads_policy': 'isolate'},
    {'hw:cpu_policy': 'shared'},
)
PAGE_SIZES = ({}, {'hw:mem_page_size': 'large'}, {'hw:mem_page_size': 'small'})
PRODUCTS = '1572', '154c'


class Cloud:
    """Some hosts of several kinds, which come to be used in other ways."""

    def __init__(self, database: Database, hosts: int, seed: int):
        """Write them into a database."""
        self._draw = seeded(seed)
        self._database = database
        self._hosts = [self._host(number) for number in range(hosts)]
        for number, host in enumerate(self._hosts):
            database.add(host, self._pools(host) if number % 3 == 0 else None)

    @property
    def names(self) -> list[str]:
        """The names of the hosts."""
        return [host.name for host in self._hosts]

    def _host(self, number: int) -> Host:
        cells, threads = KINDS[number % len(KINDS)]
        old = number % 5 == 4  # vcpu_pin_set: its CPUs are shared, too
        made = []
        for cell in range(cells):
            each = make_cell(
                cell,
                cpus=threads,
                threads=2,
                first=cell * threads,
                socket=None if number % 7 == 6 else cell // 2,
                memory_mb=16384,
                pages=PAGES,
            )
            layout = each.layout
            if old:
                layout = dataclasses.replace(layout, shared=layout.dedicated)
            if number % 4 == 1:
                layout = dataclasses.replace(
                    layout, physnets=frozenset({'one'}), tunneled=not cell
                )
            made.append(dataclasses.replace(each, layout=layout))
        return Host.of(
            f'host{number}', made, cpu_allocation_ratio=1.0 + number % 3
        )

    @staticmethod
    def _pools(host: Host) -> objects.PciDevicePoolList:
        return objects.PciDevicePoolList(
            objects=[
                objects.PciDevicePool(
                    vendor_id='8086',
                    product_id=product,
                    numa_node=cell.id,
                    count=2,
                    tags={'dev_type': 'type-PCI'},
                )
                for cell, product in zip(
                    host.cells, PRODUCTS * 4, strict=False
                )
            ]
        )

    def change(self) -> None:
        """Have some hosts be used in another way, or only be reported anew."""
        draw = self._draw
        for _ in range(draw.choice((0, 0, 1, 1, 2, 3))):
            index = draw.randrange(len(self._hosts))
            host = self._hosts[index]
            what = draw.randrange(4)
            if what == 0:
                self._database.write(host.name)
                continue
            if what == 1:  # a ratio, which is beside the topology
                ratio = draw.choice((1.0, 2.0, 16.0))
                host = dataclasses.replace(host, cpu_allocation_ratio=ratio)
                self._database.write(host.name, cpu_allocation_ratio=ratio)
            else:
                host = self._used(host)
                self._database.change(host)
            self._hosts[index] = host

    def _used(self, host: Host) -> Host:
        draw = self._draw
        pinned = []
        for cell in host.layout.cells:
            cpus = list(cpumask.ids(cell.dedicated))
            taken = draw.sample(cpus, draw.randrange(len(cpus) + 1))
            pinned.append(cpumask.from_ids(taken))
        return dataclasses.replace(
            host,
            pinned=tuple(pinned),
            memory_used_mb=tuple(
                draw.choice((0, 1024, 8192)) for _ in host.memory_mb
            ),
            pages_used=tuple(
                draw.choice((0, total // 2, total))
                for total in host.pages_total
            ),
        )

    def ask(self) -> Asked:
        """Give a request for servers, or to migrate one."""
        draw = self._draw
        wanted = self._flavor()
        if draw.randrange(4) == 0:
            return self._database.live_migration(
                wanted, draw.choice(self.names)
            )
        return self._database.create(
            wanted,
            draw.choice((1, 1, 1, 2, 4)),
            alternates=draw.random() < 0.7,
            devices=self._devices(),
        )

    def _flavor(self) -> objects.Flavor:
        draw = self._draw
        if draw.randrange(8) == 0:
            return flavor(1, draw.choice((1, 4)), None)
        cells = draw.choice((1, 1, 1, 2, 2, 4))
        extra_specs = {**draw.choice(POLICIES), **draw.choice(PAGE_SIZES)}
        unlike = {}
        if cells == 2 and draw.randrange(4) == 0:
            unlike = {
                'hw:numa_cpus.0': '0',
                'hw:numa_cpus.1': '1,2,3',
                'hw:numa_mem.0': '1024',
                'hw:numa_mem.1': '3072',
            }
        return flavor(
            cells,
            2 if unlike else draw.choice((1, 2, 3, 4)),
            {**extra_specs, **unlike},
        )

    def _devices(self) -> list[objects.InstancePCIRequest]:
        draw = self._draw
        if draw.randrange(5):
            return []
        return [
            objects.InstancePCIRequest(
                count=1,
                alias_name='device',
                request_id='7f4c1d0e-0000-4000-8000-000000000001',
                spec=[{'vendor_id': '8086', 'product_id': PRODUCTS[0]}],
                numa_policy=draw.choice(('required', 'legacy', 'preferred')),
            )
        ]
