"""Where Nova looks for ``[DEFAULT] compute_driver = numa_sched.LibvirtDriver``.

Nova loads drivers from its own namespace only.
"""

from numa_sched.nova.libvirt import LibvirtDriver

__all__ = ['LibvirtDriver']
