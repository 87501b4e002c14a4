"""NUMA-aware scheduling plugins for OpenStack Nova."""
