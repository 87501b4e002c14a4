"""Sphinx configuration."""

project = 'numa_sched'
extensions = ['oslo_config.sphinxext', 'sphinxcontrib.svgbob']
html_theme = 'alabaster'
