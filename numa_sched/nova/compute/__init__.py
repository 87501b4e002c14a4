"""What nova-compute loads: the driver."""
