"""Writes instance_classes.json: memory and vCPU of RDS instance classes.

An RDS class has the hardware of the EC2 type of the same name. moto, which the sandbox is made of,
ships what EC2's DescribeInstanceTypes said: no AWS account is needed to make the file again.

    python -m nexusctl.capacity.make_instance_classes
"""

import gzip
import json
from importlib.metadata import files, version

from nexusctl.capacity.instance_classes import FILE

_SOURCE = "moto/ec2/resources/instance_types.json.gz"
_FAMILIES = (
    *("t3", "t4g", "m5", "m5d", "m6g", "m6gd", "m6i", "m6id", "m6idn", "m6in", "m7g", "m7i"),
    *("m8g", "m8gd", "r5", "r5b", "r5d", "r6g", "r6gd", "r6i", "r6id", "r6idn", "r6in", "r7g"),
    *("r7i", "r8g", "r8gd", "x2g", "x2idn", "x2iedn"),
)
# RDS names this family after the one without local disks, which EC2 does not have.
_EC2_FAMILY = {"x2g": "x2gd"}
_NOT_IN_RDS = ("nano", "metal")
_ONLY_BURSTABLE = "medium"


def main() -> None:
    """Write the file."""
    source = next(file for file in files("moto") or () if str(file) == _SOURCE)
    types = json.loads(gzip.decompress(source.read_binary()))
    classes = {}
    for family in _FAMILIES:
        ec2_family = _EC2_FAMILY.get(family, family)
        sizes = [name.partition(".")[2] for name in types if name.startswith(f"{ec2_family}.")]
        for size in sizes:
            if size.startswith(_NOT_IN_RDS):
                continue
            if size != _ONLY_BURSTABLE or family.startswith("t"):
                type_ = types[f"{ec2_family}.{size}"]
                classes[f"db.{family}.{size}"] = {
                    "memory_mib": type_["MemoryInfo"]["SizeInMiB"],
                    "vcpus": type_["VCpuInfo"]["DefaultVCpus"],
                }
    ordered = dict(sorted(classes.items(), key=lambda item: (_family(item[0]), *item[1].values())))
    lines = ",\n".join(
        f"    {json.dumps(key)}: {json.dumps(each)}" for key, each in ordered.items()
    )
    provenance = json.dumps(
        f"memory and vCPU of the EC2 types of the same names (db.x2g: x2gd), from {_SOURCE} of "
        f"moto {version('moto')}; made by python -m nexusctl.capacity.make_instance_classes. "
        "RDS does not offer every class in every region."
    )
    FILE.write_text(f'{{\n  "provenance": {provenance},\n  "classes": {{\n{lines}\n  }}\n}}\n')


def _family(name: str) -> str:
    return name.split(".")[1]


if __name__ == "__main__":
    main()
