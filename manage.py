#!/usr/bin/env python
"""Django's command line; starts or joins the embedded servers when the environment names none."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "povertyops.settings")
    from core.embedded import servers_for_this_process

    with servers_for_this_process():
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
