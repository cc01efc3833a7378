#!/usr/bin/env python
"""Run a command of the portal; `python manage.py help` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseportal.settings")
    from releaseportal.commandline import run

    sys.exit(run(sys.argv))


if __name__ == "__main__":
    main()
