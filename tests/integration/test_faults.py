"""An AWS that is gone, throttles or is broken, a full disk, and two applies at once."""

import json
import os
import re
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.faulty_endpoint import (
    BROKEN,
    BUCKET,
    EXPIRED,
    LOST,
    THROTTLED,
    FaultyAws,
    Request,
    faulty_aws,
)
from tests.integration.progress import Progress, locks, reached, until, work_of
from tests.integration.project import NewProject, Project

NAMES = ("gone", "throttled", "broken", "expired", "one", "two", "twice", "full")


@pytest.fixture(scope="module")
def aws(new_project: NewProject) -> FaultyAws:
    return faulty_aws(new_project(), *NAMES)


def test_an_aws_that_does_not_serve_is_told_in_a_line_with_the_way_on(aws: FaultyAws) -> None:
    faults = {"throttled": THROTTLED, "broken": BROKEN, "expired": EXPIRED}
    told = {
        "gone": "AWS cannot be reached from here",
        "throttled": "AWS is throttling this account's requests",
        "broken": "AWS answers with errors of its own",
        "expired": "the AWS credentials have expired",
    }
    running = {}
    for name in told:
        own = aws.beside(aws.project.root)
        if name == "gone":
            own.endpoint.close()
        else:
            own.endpoint.fail(faults[name])
        running[name] = own.project.start("plan", name)
    for name, process in running.items():
        out, err = process.communicate(timeout=200)
        assert process.returncode == 7, out + err
        assert f"failed: {told[name]}\n" in err
        assert f"then: nexusctl plan {name}\n" in err
        assert "Traceback" not in err


def test_two_environments_are_applied_at_once_and_ride_out_what_passes(aws: FaultyAws) -> None:
    """One of them while AWS throttles, the other while connections are refused."""
    throttled: list[Request] = []

    def three_times(request: Request) -> bool:
        picked = request.service == "ec2" and len(throttled) < 3
        if picked:
            throttled.append(request)
        return picked

    sides = {name: aws.beside(aws.project.root) for name in ("one", "two")}
    followed = {
        name: Progress(work_of(side.project, name), "apply") for name, side in sides.items()
    }
    applies = {name: side.project.start("apply", name) for name, side in sides.items()}
    reached(applies["one"], followed["one"].begun)
    sides["one"].endpoint.fail(THROTTLED, three_times)
    reached(applies["two"], followed["two"].completed(1))
    with sides["two"].endpoint.gone():
        until(lambda: len(throttled) == 3)
    for name, apply in applies.items():
        reached(apply, followed[name].completed(6))
    for name, apply in applies.items():
        apply.send_signal(signal.SIGINT)
        out, err = apply.communicate(timeout=120)
        assert apply.returncode == 130, out + err
        assert "Throttl" not in err
        assert locks(aws.project, name) == []
    states = {name: state_of(aws.project, name) for name in applies}
    identities = {name: ids(state) for name, state in states.items()}
    assert len(identities["one"]) >= 6
    assert len(identities["two"]) >= 6
    assert not identities["one"] & identities["two"]
    for name, state in states.items():
        assert f"keystone-nexus-{name}" in json.dumps(state)


def test_a_request_that_is_sent_twice_is_told_of_and_brought_in(aws: FaultyAws) -> None:
    """AWS has done what it was asked, and the connection breaks: the provider asks again."""
    own = aws.beside(aws.project.root)
    lost: list[Request] = []

    def first_alias(request: Request) -> bool:
        picked = request.action == "CreateAlias" and not lost
        if picked:
            lost.append(request)
        return picked

    own.endpoint.fail(LOST, first_alias)
    said = own.project.must("apply", "twice", exit_code=6)
    assert "AWS holds something that the state does not know" in said
    imports = re.search(r"nexusctl (terraform twice -- import (\S+)) ID", said)
    assert imports
    command, address = imports.groups()
    named = re.search(r"KMS Alias \((alias/[^)]+)\)", said)
    assert named
    own.project.must(*command.split(), named[1])
    assert "No changes" in own.project.must("plan", "twice")
    key = "keystone-nexus/twice/terraform.tfstate"
    own.project.client("s3").delete_object(Bucket=BUCKET, Key=key)
    for command in ("plan", "drift"):
        said = own.project.must(command, "twice")
        assert "the state knows nothing, but this environment was applied at 20" in said
        assert f"list-object-versions --bucket {BUCKET} --prefix {key}" in said
    assert address.endswith(".aws_kms_alias.main")


def state_of(project: Project, environment: str) -> dict[str, object]:
    key = f"keystone-nexus/{environment}/terraform.tfstate"
    body = project.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    state: dict[str, object] = json.loads(body)
    return state


def ids(state: dict[str, object]) -> set[tuple[str, str]]:
    resources = state["resources"]
    assert isinstance(resources, list)
    return {
        (resource["type"], instance["attributes"]["id"])
        for resource in resources
        if resource["mode"] == "managed"
        for instance in resource["instances"]
    }


def on_a_disk_of(kilobytes: int, directory: Path, *, full: bool = False) -> list[str]:
    """What runs a command with a small disk of its own on `directory`, which ends with it."""
    namespace = ["unshare", "--mount"]
    if os.geteuid() != 0:
        namespace[1:1] = ["--user", "--map-root-user"]
    fill = 'cat /dev/zero >"$0/fill" 2>/dev/null;' if full else ""
    mount = f'mount -t tmpfs -o mode=0700,size={kilobytes}k tmpfs "$0" && {{ {fill} exec "$@"; }}'
    return [*namespace, "sh", "-c", mount, str(directory)]


def fill(directory: Path) -> None:
    """Write until nothing more goes onto the disk."""
    with (directory / "fill").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"0" * 1024)


@pytest.fixture
def full(aws: FaultyAws, tmp_path: Path) -> Project:
    """The project, its work directory for the environment `full` at hand to mount a disk on."""
    work_of(aws.project, "full").mkdir(mode=0o700, parents=True, exist_ok=True)
    cache = tmp_path / "cache"  # a downloaded provider is no part of what has to fit
    cache.mkdir()
    variables = aws.project.variables | {"TF_PLUGIN_CACHE_DIR": str(cache)}
    return Project(aws.project.root, variables)


@pytest.mark.parametrize(("kilobytes", "filled"), [(200, True), (400, False)])
def test_a_plan_on_a_full_disk(full: Project, kilobytes: int, filled: bool) -> None:
    """Full from the start, and full when Terraform writes the plan, which it does not mind."""
    disk = on_a_disk_of(kilobytes, work_of(full, "full"), full=filled)
    process = full.start("plan", "full", through=disk)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 8, out + err
    assert "No space left on device" in err or "the disk is full" in err
    assert "free space on the disk that holds .nexusctl, then" in err
    assert locks(full, "full") == []


def test_a_disk_that_fills_during_an_apply_loses_nothing(full: Project) -> None:
    process = full.start("apply", "full", through=on_a_disk_of(16_000, work_of(full, "full")))
    inside = Path(f"/proc/{process.pid}/root{work_of(full, 'full')}")
    progress = Progress(inside, "apply")
    reached(process, progress.completed(3))
    fill(inside)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert locks(full, "full") == []
    made = len(ids(state_of(full, "full")))
    assert made >= 3
    planned = re.search(r"Plan: (\d+) to create", out)
    assert planned is not None
    assert f"Plan: {int(planned[1]) - made} to create" in full.must("plan", "full")


def test_a_second_apply_on_this_machine_is_refused_at_once(aws: FaultyAws) -> None:
    progress = Progress(work_of(aws.project, "one"), "plan")
    first = aws.project.start("plan", "one")
    reached(first, progress.begun)
    said = aws.project.must("apply", "one", "--yes", exit_code=9)
    assert f"another nexusctl (pid {first.pid}) is at work on one" in said
    assert "wait until it has ended" in said
    assert first.wait(timeout=120) == 0
    first.communicate()
