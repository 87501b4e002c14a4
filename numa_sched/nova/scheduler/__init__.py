"""What nova-scheduler loads: request filters, host filters, weighers."""
