"""Which arguments of the AWS provider hold a map or an object, rather than a block.

The JSON syntax writes both alike, `"tags": {...}` and `"auth": {...}`: only the provider's schema
tells one from the other. As a program it makes map_arguments.json of that schema:

    terraform providers schema -json | python -m nexusctl.configuration.map_arguments 5.100.0 > FILE

in a root that is initialised with that version of the AWS provider.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

PROVIDER = "registry.terraform.io/hashicorp/aws"
_FILE = Path(__file__).with_suffix(".json")
_PROVENANCE = (
    "Every argument that the provider's schema gives a map or object type, nested blocks joined "
    "with dots; `every` are those at the top of whatever has them. From "
    "`terraform providers schema -json` by `python -m nexusctl.configuration.map_arguments`."
)
_EVERY = ("tags", "tags_all")
_SCHEMAS = {
    "": "resource_schemas",
    "data.": "data_source_schemas",
    "ephemeral.": "ephemeral_resource_schemas",
}


@lru_cache(maxsize=1)
def _known() -> Mapping[str, frozenset[str]]:
    document = json.loads(_FILE.read_bytes())
    every = frozenset(document["every"])
    found = {kind: every.union(names) for kind, names in document["arguments"].items()}
    return {"": every, **found}


def map_arguments(kind: str) -> frozenset[str]:
    """The map arguments of `aws_x`, `data.aws_x`, `ephemeral.aws_x` or `provider.aws`, dotted."""
    return _known().get(kind, _known()[""])


def made(schema: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The content of the file, of the JSON that Terraform prints."""
    schemas = schema["provider_schemas"][PROVIDER]
    found = {
        f"{prefix}{kind}": sorted(set(_in_block(each["block"], "")).difference(_EVERY))
        for prefix, name in _SCHEMAS.items()
        for kind, each in sorted(schemas[name].items())
    } | {"provider.aws": sorted(_in_block(schemas["provider"]["block"], ""))}
    return {
        "provenance": _PROVENANCE,
        "provider": PROVIDER,
        "version": version,
        "every": list(_EVERY),
        "arguments": {kind: names for kind, names in found.items() if names},
    }


def _in_block(block: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, attribute in block.get("attributes", {}).items():
        settable = attribute.get("required") or attribute.get("optional")
        kind = attribute.get("type")
        single = attribute.get("nested_type", {}).get("nesting_mode") in {"single", "map"}
        if settable and (single or (isinstance(kind, list) and kind[0] in {"map", "object"})):
            yield prefix + name
    for name, inner in block.get("block_types", {}).items():
        yield from _in_block(inner["block"], f"{prefix}{name}.")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(made(json.load(sys.stdin), sys.argv[1]), indent=1) + "\n")
