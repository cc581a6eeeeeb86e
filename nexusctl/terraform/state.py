"""Which state of all states a plan was made from, and what a state holds."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StateVersion:
    """A state's lineage, the same for its whole life, and its serial, one more at each write.

    Before the first apply there is no state: the lineage is empty, and the serial 0.
    """

    lineage: str
    serial: int

    def __str__(self) -> str:
        return f"serial {self.serial} of {self.lineage[:8]}" if self.lineage else "none"


def parse_state_version(document: bytes) -> StateVersion:
    """What `terraform state pull` printed; nothing at all is no state.

    Raises:
        ValueError: it is not a state.
    """
    if not document.strip():
        return StateVersion("", 0)
    match json.loads(document):
        case {"lineage": str(lineage), "serial": int(serial)}:
            return StateVersion(lineage, serial)
    raise ValueError("it has no lineage and serial")


@dataclass(frozen=True, slots=True)
class StateContents:
    """A state without its values: the addresses of the resources it knows, and their ARNs."""

    version: StateVersion
    addresses: frozenset[str]
    arns: frozenset[str] = frozenset()


def parse_state(document: bytes) -> StateContents:
    """A state's own document, as Terraform writes it; nothing at all is no state.

    Raises:
        ValueError: it is not a state.
    """
    version = parse_state_version(document)
    # One that has never been in the backend has resources, but no lineage yet.
    resources = json.loads(document)["resources"] if document.strip() else ()
    return StateContents(
        version,
        frozenset(each for resource in resources for each in _addresses(resource)),
        frozenset(each for resource in resources for each in _arns(resource)),
    )


def _arns(resource: Mapping[str, Any]) -> Iterator[str]:
    if resource["mode"] == "managed":
        for instance in resource["instances"]:
            arn = (instance.get("attributes") or {}).get("arn")
            if isinstance(arn, str):
                yield arn


def _addresses(resource: Mapping[str, Any]) -> Iterator[str]:
    if resource["mode"] != "managed":
        return
    module = f"{resource['module']}." if "module" in resource else ""
    for instance in resource["instances"]:
        key = instance.get("index_key")
        index = "" if key is None else f"[{json.dumps(key)}]"
        yield f"{module}{resource['type']}.{resource['name']}{index}"
