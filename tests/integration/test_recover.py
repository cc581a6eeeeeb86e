"""`nexusctl recover`: what it refuses to save, and what it leaves alone meanwhile.

That it saves is in test_signals, where applies really could not save their state.
"""

import json
from pathlib import Path

import pytest

from tests.integration.faulty_endpoint import BUCKET, FaultyAws, faulty_aws
from tests.integration.progress import work_of
from tests.integration.project import NewProject

LINEAGE = "2170a93b-fe68-2c15-0b40-5e7c29d0a7c9"
OTHER = "9a1c5e3f-0000-4111-8222-333344445555"
VPC = {
    "module": "module.network",
    "mode": "managed",
    "type": "aws_vpc",
    "name": "main",
    "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
    "instances": [{"index_key": 0, "schema_version": 1, "attributes": {"id": "vpc-1"}}],
}


@pytest.fixture(scope="module")
def aws(new_project: NewProject) -> FaultyAws:
    return faulty_aws(new_project(), "unsaved")


def state(serial: int, lineage: str = LINEAGE, *resources: object) -> bytes:
    document = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": serial,
        "lineage": lineage,
        "outputs": {},
        "resources": list(resources),
        "check_results": None,
    }
    return json.dumps(document).encode()


def unsaved(aws: FaultyAws, content: bytes) -> Path:
    """An errored.tfstate, beside a state of serial 5."""
    aws.project.client("s3").put_object(
        Bucket=BUCKET, Key="keystone-nexus/unsaved/terraform.tfstate", Body=state(5)
    )
    root = work_of(aws.project, "unsaved") / "root"
    root.mkdir(parents=True, exist_ok=True)
    file = root / "errored.tfstate"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (state(4, LINEAGE, VPC), "the state was written by somebody else since"),
        (state(6, OTHER, VPC), "the state is another one by now: it began anew"),
        (state(6, LINEAGE, VPC)[:-40], "is no state, or not all of one"),
    ],
    ids=["later", "another", "torn"],
)
def test_what_would_undo_the_work_of_others_is_not_saved(
    aws: FaultyAws, content: bytes, why: str
) -> None:
    file = unsaved(aws, content)
    said = aws.project.must("recover", "unsaved", "--yes", exit_code=9)
    assert why in said
    assert "set the file aside: nexusctl recover unsaved --set-aside" in said
    assert "nexusctl terraform unsaved -- import ADDRESS ID" in said
    assert file.read_bytes() == content


def test_it_shows_what_the_state_lacks_and_asks(aws: FaultyAws) -> None:
    file = unsaved(aws, state(6, LINEAGE, VPC))
    declined = aws.project.type("no", "recover", "unsaved")
    assert declined.returncode == 9
    assert "not saved  serial 6 of 2170a93b, 1 resources" in declined.stdout
    assert "the state  serial 5 of 2170a93b, 0 resources" in declined.stdout
    assert "  + module.network.aws_vpc.main[0]" in declined.stdout
    assert file.is_file()
    assert aws.project.type("yes", "recover", "unsaved").returncode == 0
    assert not file.exists()
    saved = aws.project.client("s3").get_object(
        Bucket=BUCKET, Key="keystone-nexus/unsaved/terraform.tfstate"
    )
    assert json.loads(saved["Body"].read())["resources"][0]["type"] == "aws_vpc"
    log = (aws.project.root / ".nexusctl/audit/unsaved.jsonl").read_text()
    *_, refused, begun, done = map(json.loads, log.splitlines())
    assert [each["outcome"] for each in (refused, begun, done)] == ["refused", "begun", "done"]
    assert done["command"] == "recover"
    assert done["what"] == "the state with serial 6 of 2170a93b"


def test_set_aside_it_is_kept_and_in_nobodys_way(aws: FaultyAws) -> None:
    file = unsaved(aws, state(4, LINEAGE, VPC))
    aws.project.must("recover", "unsaved", "--set-aside")
    (aside,) = work_of(aws.project, "unsaved").glob("errored-*.tfstate")
    assert aside.read_bytes() == state(4, LINEAGE, VPC)
    assert aside.stat().st_mode & 0o777 == 0o600
    assert not file.exists()
    assert "nothing to recover" in aws.project.must("recover", "unsaved")
