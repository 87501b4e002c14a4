"""Guests of one boot sector, and what libvirt is told of them."""

import contextlib
import pathlib
import re
import subprocess
import time

import libvirt

from tests.real.hosts import PATIENCE_SECONDS, POLL_SECONDS

SOURCE = pathlib.Path(__file__).with_name('guest.s')
# Private to each host.
SERIAL = '/run/serial'
DAMAGE = '!'
GONE = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)


def build(directory):
    """Give the path of a disk with the boot sector, made in a directory."""
    directory = pathlib.Path(directory)
    code, disk = directory / 'guest.o', directory / 'guest.img'
    for command in (
        ('as', '--32', '-o', code, SOURCE),
        (
            *('ld', '-m', 'elf_i386', '--oformat', 'binary', '-Ttext'),
            *('0x7c00', '-o', disk, code),
        ),
    ):
        subprocess.run(command, check=True)
    with disk.open('ab') as file:
        file.truncate(1 << 20)
    disk.chmod(0o644)
    return disk


def domain(
    uuid, disk, *, memory_mb=32, backing='', cpu='', devices='', extra=''
):
    """Give the XML of a guest; the parts are XML to put in.

    :param uuid: its identity, and its name
    :param disk: what :func:`build` gives
    """
    return f"""
<domain type='qemu'>
  <name>{uuid}</name>
  <uuid>{uuid}</uuid>
  {extra}
  <memory unit='MiB'>{memory_mb}</memory>
  <vcpu>1</vcpu>
  {backing and f'<memoryBacking>{backing}</memoryBacking>'}
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  {cpu}
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
      <readonly/>
    </disk>
    <serial type='file'><source path='{SERIAL}'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    {devices}
  </devices>
</domain>"""


def said(host):
    """Give what the guest on a host has said since it was started there."""
    return host.run('sh', '-c', f'cat {SERIAL} 2>/dev/null || true').stdout


def sweeps(text):
    """Give how often a guest that has said this has gone through its memory.

    :raises AssertionError: if it has found other memory than it has written
    """
    assert DAMAGE not in text, f'memory was damaged: {text!r}'
    return len(re.findall('[a-z]', text))


def start(host, xml):
    """Start a guest on a host, and wait until it works."""
    host.run('rm', '-f', SERIAL)
    with contextlib.closing(libvirt.open(host.uri)) as connection:
        connection.createXML(xml)
    end = time.monotonic() + PATIENCE_SECONDS
    while not sweeps(said(host)):
        assert time.monotonic() < end, 'the guest does not start'
        time.sleep(POLL_SECONDS)


def destroy(host, name):
    """End a guest on a host if it is there."""
    with contextlib.closing(libvirt.open(host.uri)) as connection:
        try:
            connection.lookupByName(name).destroy()
        except libvirt.libvirtError as error:
            if error.get_error_code() not in GONE:
                raise
