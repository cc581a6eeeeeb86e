"""RDS instance classes, and how many connections PostgreSQL is likely to take on each.

RDS sets `max_connections` to LEAST({DBInstanceClassMemory/9531392}, 5000) unless a parameter group
says otherwise (RDS User Guide, Quotas and constraints, Maximum number of database connections).
DBInstanceClassMemory is the memory of the class less what the operating system and RDS's own
processes take, which AWS does not publish: so the number is an estimate until it was measured.
"""

import difflib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nexusctl.errors import EnvironmentInvalid

FILE = Path(__file__).with_name("instance_classes.json")
DEFAULT_FORMULA = "LEAST({DBInstanceClassMemory/9531392},5000)"

_GIB = 1 << 30
# Fitted to values seen with SHOW max_connections: 181 on db.t4g.small (2 GiB), 187 to 191 on
# db.t3.small (2 GiB), 3484 on db.r6g.xlarge (32 GiB).
_TAKEN_GIB = 0.35
_LEFT = 0.978


@dataclass(frozen=True, slots=True)
class InstanceClass:
    """The hardware of an RDS instance class."""

    name: str
    memory_gib: float
    vcpus: int

    @property
    def family(self) -> str:
        """`r6g` of db.r6g.xlarge."""
        return self.name.split(".")[1]

    @property
    def available_bytes(self) -> int:
        """An estimate of DBInstanceClassMemory."""
        return max(0, int((self.memory_gib * _LEFT - _TAKEN_GIB) * _GIB))

    @property
    def max_connections(self) -> int:
        """What RDS's own formula is likely to give."""
        return evaluate(DEFAULT_FORMULA, self.available_bytes)


def instance_class(name: str) -> InstanceClass:
    """The class of that name.

    Raises:
        EnvironmentInvalid: nexusctl knows none.
    """
    known = instance_classes()
    if name not in known:
        near = difflib.get_close_matches(name, known, 4, 0.6)
        raise EnvironmentInvalid(
            f"database.instance_class: {name} is not a class whose memory nexusctl knows",
            hint=f"the nearest known are {', '.join(near)}; or write what the database says as "
            "database.measured_max_connections",
        )
    return known[name]


@cache
def instance_classes() -> dict[str, InstanceClass]:
    """Every known class by name, each family from the smallest to the largest."""
    classes = json.loads(FILE.read_text())["classes"]
    return {
        name: InstanceClass(name, each["memory_mib"] / 1024, each["vcpus"])
        for name, each in classes.items()
    }


_NUMBER = re.compile(r"[0-9]+")
_TERM = re.compile(r"\{DBInstanceClassMemory(?:/([1-9][0-9]*))?(?:\*([0-9]+))?\}", re.IGNORECASE)
_CALL = re.compile(r"(LEAST|GREATEST)\((.+)\)", re.IGNORECASE)


def evaluate(formula: str, memory_bytes: int) -> int:
    """The value of a parameter of RDS for an instance with that DBInstanceClassMemory.

    A number, a term `{DBInstanceClassMemory/N}` or `{DBInstanceClassMemory/N*M}`, or LEAST or
    GREATEST of such (RDS User Guide, Specifying DB parameters).

    Raises:
        ValueError: it is something else.
    """
    text = re.sub(r"\s", "", formula)
    if _NUMBER.fullmatch(text):
        return int(text)
    if term := _TERM.fullmatch(text):
        divisor, factor = (int(number or 1) for number in term.groups())
        return memory_bytes * factor // divisor
    if call := _CALL.fullmatch(text):
        values = [evaluate(part, memory_bytes) for part in call[2].split(",")]
        return min(values) if call[1].upper() == "LEAST" else max(values)
    raise ValueError(f"{formula!r} is no formula that RDS documents")
