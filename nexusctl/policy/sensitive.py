"""Makes sensitive_attributes.json from a provider's schema.

    terraform providers schema -json | python -m nexusctl.policy.sensitive 5.100.0 > FILE

in a root that is initialised with that version of the AWS provider.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

PROVIDER = "registry.terraform.io/hashicorp/aws"
_PROVENANCE = (
    "Every attribute a configuration can set (required or optional) that the provider's schema "
    "marks sensitive or write_only, nested blocks joined with dots. From "
    "`terraform providers schema -json` by `python -m nexusctl.policy.sensitive`."
)


def sensitive(schema: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The content of the file, of the JSON that Terraform prints."""
    resources = schema["provider_schemas"][PROVIDER]["resource_schemas"]
    found = {kind: sorted(_in_block(each["block"], "")) for kind, each in sorted(resources.items())}
    return {
        "provenance": _PROVENANCE,
        "provider": PROVIDER,
        "version": version,
        "attributes": {kind: names for kind, names in found.items() if names},
    }


def _in_block(block: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, attribute in block.get("attributes", {}).items():
        settable = attribute.get("required") or attribute.get("optional")
        if settable and (attribute.get("sensitive") or attribute.get("write_only")):
            yield prefix + name
        yield from _in_block(attribute.get("nested_type", {}), f"{prefix}{name}.")
    for name, inner in block.get("block_types", {}).items():
        yield from _in_block(inner["block"], f"{prefix}{name}.")


if __name__ == "__main__":
    made = sensitive(json.load(sys.stdin), sys.argv[1])
    sys.stdout.write(json.dumps(made, indent=2) + "\n")
