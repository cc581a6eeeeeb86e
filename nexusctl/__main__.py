"""Starts and ends the process. Little is loaded before an interrupt means something."""

import sys


def run() -> None:
    """The `nexusctl` command."""
    try:
        from nexusctl.main import main

        code = main(sys.argv[1:])
    except KeyboardInterrupt:  # while it loads, or once more while it tells of the first
        code = 130
    import signal

    # Only Python's own end is left to interrupt: a traceback would tell nobody anything.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    sys.exit(code)


if __name__ == "__main__":
    run()
