"""Commands of ``openstack`` that speak of what this package needs of hosts."""
