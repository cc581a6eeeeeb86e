"""What a state holds, read from its own document."""

import json

import pytest

from nexusctl.terraform.state import StateContents, StateVersion, parse_state

LINEAGE = "2170a93b-fe68-2c15-0b40-5e7c29d0a7c9"


def state(lineage: str = LINEAGE) -> bytes:
    subnets = [{"index_key": "eu-central-1a"}, {"index_key": "eu-central-1b"}]
    resources = [
        {"mode": "managed", "type": "aws_kms_key", "name": "main", "instances": [{}]},
        {"mode": "data", "type": "aws_region", "name": "now", "instances": [{}]},
        {
            "module": "module.network",
            "mode": "managed",
            "type": "aws_subnet",
            "name": "private",
            "instances": subnets,
        },
        {
            "module": "module.network",
            "mode": "managed",
            "type": "aws_vpc",
            "name": "main",
            "instances": [{"index_key": 0}],
        },
    ]
    return json.dumps({"lineage": lineage, "serial": 3, "resources": resources}).encode()


ADDRESSES = {
    "aws_kms_key.main",
    'module.network.aws_subnet.private["eu-central-1a"]',
    'module.network.aws_subnet.private["eu-central-1b"]',
    "module.network.aws_vpc.main[0]",
}


def test_addresses_are_terraforms_own() -> None:
    assert parse_state(state()) == StateContents(StateVersion(LINEAGE, 3), frozenset(ADDRESSES))


def test_arns_tell_whether_two_states_know_the_same_resources() -> None:
    key = {"mode": "managed", "type": "aws_kms_key", "name": "main"}
    read = {"mode": "data", "type": "aws_kms_key", "name": "other"}
    resources = [
        key | {"instances": [{"attributes": {"arn": "arn:aws:kms:x:1:key/1"}}, {"attributes": {}}]},
        read | {"instances": [{"attributes": {"arn": "arn:aws:kms:x:1:key/2"}}]},
    ]
    document = {"lineage": LINEAGE, "serial": 1, "resources": resources}
    assert parse_state(json.dumps(document).encode()).arns == {"arn:aws:kms:x:1:key/1"}


def test_one_that_was_never_in_the_backend_has_resources_but_no_lineage() -> None:
    assert parse_state(state(lineage="")).addresses == ADDRESSES


def test_nothing_is_no_state() -> None:
    assert parse_state(b"\n") == StateContents(StateVersion("", 0), frozenset())


@pytest.mark.parametrize("document", [b"{", b"[]", b'{"serial": 1}'])
def test_what_is_none_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"lineage|Expecting"):
        parse_state(document)
