"""Sphinx configuration."""

project = 'numa_sched'
extensions = ['oslo_config.sphinxext']
html_theme = 'alabaster'
