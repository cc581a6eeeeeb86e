"""Starts and ends the process. Little is loaded before an interrupt means something."""

import sys


def run() -> None:
    """The `nexusctl` command."""
    try:
        from nexusctl.interrupts import ignore
        from nexusctl.main import main

        code = main(sys.argv[1:])
        ignore()  # it has ended, and only the interpreter has yet to
    except KeyboardInterrupt:  # while it loads
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    run()
