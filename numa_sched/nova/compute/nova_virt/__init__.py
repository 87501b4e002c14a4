"""Where Nova finds ``compute_driver = numa_sched.LibvirtDriver``.

It loads drivers from its own namespace only.
"""

from numa_sched.nova.compute.libvirt import LibvirtDriver

__all__ = ['LibvirtDriver']
