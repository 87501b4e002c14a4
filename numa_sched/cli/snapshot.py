"""``numa-sched snapshot``."""

import argparse

from numa_sched.cli import files, source
from numa_sched.cli.base import Examples

STANDARD_OUTPUT = '-'


class Snapshot(Examples):
    """Write the cloud to a file that all other commands can answer from."""

    examples = """
        Before a change, to compare with afterwards:
          numa-sched snapshot before.json.gz

        For somebody else, without names, UUIDs and projects:
          numa-sched snapshot --anonymise fleet.json.gz

        The same of a snapshot that there is:
          numa-sched snapshot --from before.json.gz --anonymise fleet.json.gz

        From another machine:
          ssh controller numa-sched snapshot - > fleet.json
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'file',
            metavar='FILE',
            help='what to write: JSON, compressed if its name ends in .gz; - '
            'for standard output',
        )
        parser.add_argument(
            '--force',
            action='store_true',
            help='replace the file if it is there',
        )
        parser.add_argument(
            '--anonymise',
            '--anonymize',
            action='store_true',
            help='write other names, UUIDs and projects; the same name is the '
            'same again',
        )
        parser.add_argument(
            '--from',
            dest='snapshot',
            metavar='FILE',
            help='read this snapshot instead of the cloud',
        )
        source.add_configuration(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Write the file; give the exit status."""
        from numa_sched.fleet import snapshot

        to_file = parsed_args.file != STANDARD_OUTPUT
        if to_file:
            files.check(parsed_args.file, force=parsed_args.force)
        fleet = source.fleet(parsed_args)
        if parsed_args.anonymise:
            from numa_sched.fleet.anonymous import anonymised

            fleet = anonymised(fleet)
        packed = parsed_args.file.endswith('.gz')
        data = snapshot.dumps(fleet, packed=packed)
        if not to_file:
            self.app.stdout.write(f'{data.decode()}\n')
            return 0
        files.write(parsed_args.file, data, force=parsed_args.force)
        self.app.stdout.write(
            f'{parsed_args.file}: {len(fleet.hosts)} hosts, '
            f'{len(fleet.servers)} servers, {len(data) / 1024:.0f} KiB\n'
        )
        return 0
