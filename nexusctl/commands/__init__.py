"""One file per command, each a straight walk from arguments to an exit code."""
