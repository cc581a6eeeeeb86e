"""Instance classes and the formula of their connections."""

import json

import pytest

from nexusctl.capacity.instance_classes import (
    FILE,
    evaluate,
    instance_class,
    instance_classes,
)
from nexusctl.errors import EnvironmentInvalid

GIB = 1 << 30


@pytest.mark.parametrize(
    ("name", "memory_gib", "vcpus"),
    [("db.t4g.small", 2, 2), ("db.r6g.xlarge", 32, 4), ("db.m7i.24xlarge", 384, 96)],
)
def test_hardware(name: str, memory_gib: float, vcpus: int) -> None:
    found = instance_class(name)
    assert (found.memory_gib, found.vcpus) == (memory_gib, vcpus)


def test_families_in_use_are_known_and_say_where_the_data_is_from() -> None:
    families = {each.family for each in instance_classes().values()}
    assert families >= {"t3", "t4g", "m5", "m6g", "m6i", "m7g", "m7i", "m8g"}
    assert families >= {"r5", "r6g", "r6i", "r7g", "r7i", "r8g", "x2g"}
    assert "moto" in json.loads(FILE.read_text())["provenance"]


def test_each_family_is_ordered_by_memory() -> None:
    seen: dict[str, float] = {}
    for each in instance_classes().values():
        assert seen.get(each.family, 0) <= each.memory_gib
        seen[each.family] = each.memory_gib


@pytest.mark.parametrize(
    ("name", "least", "most"),
    # Seen with SHOW max_connections.
    [("db.t4g.small", 175, 191), ("db.t3.small", 175, 191), ("db.r6g.xlarge", 3440, 3520)],
)
def test_estimates_are_near_what_was_seen(name: str, least: int, most: int) -> None:
    assert least <= instance_class(name).max_connections <= most


def test_an_estimate_is_below_the_nominal_memory_and_ends_at_5000() -> None:
    for each in instance_classes().values():
        assert 0 < each.max_connections <= min(each.memory_gib * GIB / 9531392, 5000)
    assert instance_class("db.r8g.48xlarge").max_connections == 5000


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("500", 500),
        ("LEAST({DBInstanceClassMemory/9531392},5000)", 112),
        ("LEAST({DBInstanceClassMemory / 9531392}, 5000)", 112),
        ("GREATEST({DBInstanceClassMemory/9531392},5000)", 5000),
        ("least({DBInstanceClassMemory/1073741824},7)", 1),
        ("{DBInstanceClassMemory/1073741824*3}", 3),
    ],
)
def test_formulas_of_rds(formula: str, value: int) -> None:
    assert evaluate(formula, GIB) == value


@pytest.mark.parametrize(
    "formula", ["", "many", "-5", "{DBInstanceClassMemory/0}", "LEAST()", "SUM(1,2)", "1; 2"]
)
def test_what_is_no_formula(formula: str) -> None:
    with pytest.raises(ValueError, match="no formula"):
        evaluate(formula, GIB)


def test_a_class_that_nobody_knows_names_the_nearest() -> None:
    with pytest.raises(EnvironmentInvalid, match=r"db\.r6q\.xlarge") as error:
        instance_class("db.r6q.xlarge")
    assert error.value.hint is not None
    assert "db.r6g.xlarge" in error.value.hint
    assert "database.measured_max_connections" in error.value.hint
