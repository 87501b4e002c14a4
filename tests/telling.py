"""What a run tells at once, and not only if it fails."""


def teller(config):
    """Give a function that writes a line where pytest does, now."""
    terminal, capture = (
        config.pluginmanager.get_plugin(name)
        for name in ('terminalreporter', 'capturemanager')
    )

    def tell(line):
        with capture.global_and_fixture_disabled():
            terminal.ensure_newline()
            terminal.write_line(str(line))

    return tell
