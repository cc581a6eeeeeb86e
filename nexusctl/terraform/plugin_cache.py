"""Terraform's plugin cache, which several `terraform init` at once would spoil.

https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

from nexusctl.terraform.providers import user_configuration


@contextmanager
def plugin_cache_to_itself(environment: Mapping[str, str]) -> Iterator[None]:
    """Wait until no other nexusctl of this machine, and no other thread, is in this block.

    Those that could not meet in a cache do not wait for each other: the cache is what
    TF_PLUGIN_CACHE_DIR names, or what the user's CLI configuration may name.
    """
    named = environment.get("TF_PLUGIN_CACHE_DIR")
    with ExitStack() as stack:
        for shared in (Path(named) if named else None, user_configuration(environment)):
            # One that does not exist is Terraform's to complain of.
            if shared and shared.exists():
                descriptor = os.open(shared, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                flock(descriptor, LOCK_EX)
        yield
