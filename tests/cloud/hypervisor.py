"""The fake libvirt, as far as what it says differs from host to host."""

from lxml import etree
from nova.tests.fixtures import libvirt as fakelibvirt

# Of these there is every CPU model made.
OF_EVERY_MODEL = frozenset({'fpu', 'sse2'})


class Connection(fakelibvirt.Connection):
    """A connection to the hypervisor of a host, of a type and with a CPU.

    Nova's own gives all hosts the same.
    """

    def getType(self):
        return self.host_info.hypervisor

    def getVersion(self):
        return self.host_info.hypervisor_version

    def getCapabilities(self):
        tree = etree.fromstring(super().getCapabilities())
        (cpu,) = tree.findall('./host/cpu')
        cpu.find('model').text = self.host_info.cpu_model
        cpu.find('vendor').text = self.host_info.cpu_vendor
        for feature in cpu.findall('feature'):
            cpu.remove(feature)
        for name in sorted(self.host_info.cpu_features):
            etree.SubElement(cpu, 'feature', name=name)
        return etree.tostring(tree, encoding='unicode')

    def baselineCPU(self, xmls, flags):
        """Give one CPU with the features of its model written out."""
        (xml,) = xmls
        cpu = etree.fromstring(xml)
        for name in OF_EVERY_MODEL:
            etree.SubElement(cpu, 'feature', name=name)
        return etree.tostring(cpu, encoding='unicode')

    def compareCPU(self, xml, flags):
        """Refuse, beside what Nova's own refuses, CPUs of more features."""
        wanted = {
            feature.get('name')
            for feature in etree.fromstring(xml).findall('feature')
            if feature.get('policy', 'require') == 'require'
        }
        if wanted - self.host_info.cpu_features - OF_EVERY_MODEL:
            return fakelibvirt.VIR_CPU_COMPARE_INCOMPATIBLE
        return super().compareCPU(xml, flags)
