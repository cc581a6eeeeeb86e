"""The generated files, and the environments that the project ships."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from nexusctl.environment.load import listing, load
from nexusctl.environment.schema import (
    REFERENCE_FILE,
    SCHEMA_FILE,
    json_schema,
    reference,
    write,
)

PROJECT = Path(__file__).parents[3]
ENVIRONMENTS = PROJECT / "environments"
SHIPPED = sorted(path.stem for path in ENVIRONMENTS.glob("*.yaml"))


@pytest.mark.parametrize("file", [SCHEMA_FILE, REFERENCE_FILE], ids=str)
def test_generated_files_are_up_to_date(file: Path, tmp_path: Path) -> None:
    write(tmp_path)
    assert (PROJECT / file).read_text() == (tmp_path / file).read_text(), (
        "run: python -m nexusctl.environment.schema"
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_files_fit_the_schema(name: str) -> None:
    text = (ENVIRONMENTS / f"{name}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=./environment.schema.json\n")
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"databse": {}}, ()),
        ({"database": {"engine": "x"}}, ("database",)),
        ({"proxy": {"idle_client_timeout": "30"}}, ("proxy", "idle_client_timeout")),
        ({"proxy": {"idle_client_timeout": 30}}, ("proxy", "idle_client_timeout")),
        ({"tier": "prod"}, ("tier",)),
        ({"aws": {"account_id": "1"}}, ("aws", "account_id")),
        (
            {"database": {"max_allocated_storage_gib": -1}},
            ("database", "max_allocated_storage_gib"),
        ),
        ({"lambda_clients": [{"name": "x"}]}, ("lambda_clients", 0)),
        ({"extends": "../x"}, ("extends",)),
        ({"tags": {"aws:x": "y"}}, ("tags",)),
        ({"users": {"App": {}}}, ("users",)),
    ],
    ids=str,
)
def test_the_schema_refuses(document: Any, path: tuple[Any, ...]) -> None:
    errors = list(jsonschema.Draft202012Validator(json_schema()).iter_errors(document))
    assert {tuple(error.absolute_path) for error in errors} == {path}


def test_the_schema_is_one_and_describes_every_key() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for model in (schema, *schema["$defs"].values()):
        assert model["additionalProperties"] is False
        for name, field in model["properties"].items():
            assert field["description"], name
            assert f"`{name}`" in reference() or f".{name}`" in reference()
    assert json.dumps(schema) == json.dumps(json_schema())


def test_the_shipped_environments() -> None:
    abstract = [entry.name for entry in listing(ENVIRONMENTS) if entry.abstract]
    assert abstract == ["base"]
    tiers = {name: load(name, ENVIRONMENTS).settings.tier for name in SHIPPED if name != "base"}
    assert tiers == {
        "dev": "development",
        "prod": "production",
        "sandbox": "sandbox",
        "staging": "staging",
    }
    prod = load("prod", ENVIRONMENTS).settings
    assert prod.proxy.require_tls
    assert prod.database.deletion_protection
    assert prod.lambda_clients[0].user == "ingest"
