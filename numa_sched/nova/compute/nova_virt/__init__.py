"""Where Nova finds ``compute_driver = numa_sched.LibvirtDriver``.

It loads drivers from its own namespace only.
"""

from numa_sched.nova import releases

if releases.is_tested_here():
    from numa_sched.nova.compute.libvirt import LibvirtDriver
else:
    from numa_sched.nova.compute.untested import LibvirtDriver

__all__ = ['LibvirtDriver']
