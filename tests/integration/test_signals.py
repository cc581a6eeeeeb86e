"""One stack that is built although it is stopped again and again, and what is left each time.

The tests are one story, in order: each goes on where the one before was stopped.
"""

import signal

import pytest

from tests.integration.faulty_endpoint import (
    BROKEN,
    EXPIRED,
    THROTTLED,
    FaultyAws,
    Request,
    faulty_aws,
)
from tests.integration.progress import locks, work_of
from tests.integration.project import NewProject
from tests.integration.stopping import (
    HUP,
    INT,
    KILL,
    LOCK,
    STATE,
    TERM,
    UNLOCK,
    Moment,
    Stack,
    id_of,
)


@pytest.fixture(scope="module")
def aws(new_project: NewProject) -> FaultyAws:
    return faulty_aws(new_project(), "stopped")


@pytest.fixture
def stack(aws: FaultyAws) -> Stack:
    return Stack(aws, "stopped")


@pytest.mark.parametrize(
    ("command", "moment", "number"),
    [
        ("plan", Moment("init"), HUP),
        ("apply", Moment("init"), TERM),
        ("plan", Moment("plan", says='"planned_change"'), TERM),
        ("plan", Moment("plan", says='"version"'), KILL),
        ("apply", Moment("plan", says='"planned_change"'), INT),
        ("apply", Moment("plan", asked="begun.jsonl$"), HUP),
    ],
    ids=id_of,
)
def test_what_is_stopped_before_terraform_changes_anything_leaves_nothing(
    stack: Stack, command: str, moment: Moment, number: signal.Signals
) -> None:
    said = stack.stop(command, moment, [number])
    if number is not KILL:
        by_terraform = f"error: terraform {moment.command} was interrupted and has stopped" in said
        assert by_terraform or "error: interrupted: nothing was changed" in said
    assert not any(stack.standing().values())


@pytest.mark.parametrize(
    ("moment", "signals"),
    [
        (Moment("apply", asked="^CreateRole$"), [INT] * 10),
        (Moment("apply", asked=LOCK), [HUP]),
    ],
    ids=id_of,
)
def test_an_apply_that_is_stopped_knows_what_it_has_made(
    stack: Stack, moment: Moment, signals: list[signal.Signals]
) -> None:
    said = stack.stop("apply", moment, signals)
    assert "error: terraform apply was interrupted and has stopped" in said
    assert "what was finished is in the state" in said
    assert stack.known
    assert not stack.unknown()
    stack.keep_what_cannot_be_made_again()


def test_credentials_that_expire_midway_lose_nothing(aws: FaultyAws, stack: Stack) -> None:
    project = aws.project
    made: list[Request] = []

    def after_the_eighth(request: Request) -> bool:
        if request.action.startswith("Create"):
            made.append(request)
        return len(made) > 8

    aws.endpoint.fail(EXPIRED, after_the_eighth)
    said = project.must("apply", "stopped", exit_code=7)
    file = work_of(project, "stopped") / "root/errored.tfstate"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "terraform apply failed: the AWS credentials have expired" in said
    assert "WHAT WAS APPLIED IS NOT IN THE STATE, which could not be written." in said
    assert f"{file}: KEEP THAT FILE." in said
    steps = said[said.index("go on in this order:") :].splitlines()[1:5]
    assert steps[0].startswith("       1. sign in to AWS again (aws sso login")
    assert [step.split(". ")[1] for step in steps[1:]] == [
        "nexusctl unlock stopped",
        "nexusctl recover stopped",
        "nexusctl plan stopped",
    ]
    assert "nexusctl recover stopped" in project.must("plan", "stopped", exit_code=7)
    aws.endpoint.heal()  # signed in again
    held = file.read_bytes()
    said = project.must("plan", "stopped", exit_code=9)
    assert f"what the last apply did is not in the state, only in {file}" in said
    assert "nexusctl recover stopped" in said
    said = project.must("recover", "stopped", "--yes", exit_code=6)
    assert "the state of stopped is locked" in said
    assert "nexusctl unlock stopped" in said
    assert file.read_bytes() == held
    said = project.must("unlock", "stopped", exit_code=9)
    assert "it has ended: no Terraform on this state is left from then" in said
    assert len(locks(project, "stopped")) == 1
    assert "next: nexusctl recover stopped" in project.must("unlock", "stopped", "--yes")
    said = project.must("recover", "stopped", exit_code=9)
    assert "  + module." in said
    assert file.read_bytes() == held
    assert "saved: the state knows all of it" in project.must("recover", "stopped", "--yes")
    assert not file.exists()
    assert "nothing to recover" in project.must("recover", "stopped")
    assert not stack.unknown()
    stack.keep_what_cannot_be_made_again()


@pytest.mark.parametrize(
    ("moment", "signals"),
    [
        (Moment("apply", says=r"aws_db_instance\.main: Still creating"), [KILL]),
        # A CI system asks a job to stop, and kills it some seconds later.
        (Moment("apply", asked="^CreateLaunchTemplate$"), [TERM, KILL]),
    ],
    ids=id_of,
)
def test_an_apply_that_is_killed_stops_in_order(
    stack: Stack, moment: Moment, signals: list[signal.Signals]
) -> None:
    said = stack.stop("apply", moment, signals, seconds_between=9.0)
    assert "Two interrupts received" not in said, "the second one drops state and lock"
    assert not stack.unknown()
    stack.keep_what_cannot_be_made_again()


def test_in_the_end_all_of_it_stands_once(aws: FaultyAws, stack: Stack) -> None:
    project, asked = aws.project, []

    def at_first(request: Request) -> bool:
        if request.action == "ModifyDBProxy":
            asked.append(request)
            return len(asked) <= 2
        return False

    # Terraform tries again where AWS throttles: nobody has to do anything.
    stack.change("proxy: {idle_client_timeout: 10m}")
    aws.endpoint.fail(THROTTLED, at_first)
    project.must("apply", "stopped")
    assert len(asked) == 3
    aws.endpoint.heal()
    assert "No changes" in project.must("plan", "stopped", "--detailed-exitcode")
    assert counted(stack) == EXPECTED
    assert not stack.unknown()


EXPECTED = {
    "VPCs": 1,
    "subnets": 2,
    "security groups": 4,
    "endpoints": 5,
    "databases": 1,
    "proxies": 1,
    "groups": 1,
    "keys": 2,
    "secrets": 1,
    "roles": 2,
}


def counted(stack: Stack) -> dict[str, int]:
    """How many of each stand."""
    return {kind: len(ids) for kind, ids in stack.standing().items() if kind in EXPECTED}


def test_a_state_that_could_not_be_saved_is_saved_later(aws: FaultyAws, stack: Stack) -> None:
    project = aws.project
    stack.change("proxy: {idle_client_timeout: 11m}")
    aws.endpoint.fail(BROKEN, Moment("apply", asked=STATE).picks)
    said = project.must("apply", "stopped", exit_code=7)
    assert "terraform apply failed: AWS answers with errors of its own" in said
    assert "KEEP THAT FILE" in said
    assert "nexusctl unlock" not in said, "the lock was released"
    assert locks(project, "stopped") == []
    aws.endpoint.heal()
    assert "saved: the state knows all of it" in project.must("recover", "stopped", "--yes")
    assert "No changes" in project.must("plan", "stopped", "--detailed-exitcode")
    assert counted(stack) == EXPECTED


@pytest.mark.parametrize(
    ("moment", "number", "minutes"),
    [
        (Moment("apply", asked=STATE), INT, 12),
        (Moment("apply", asked="done.jsonl$"), TERM, 13),
        (Moment("apply", asked=UNLOCK), KILL, 14),
    ],
    ids=id_of,
)
def test_an_apply_that_is_stopped_when_it_has_changed_everything_is_done(
    stack: Stack, moment: Moment, number: signal.Signals, minutes: int
) -> None:
    project = stack.aws.project
    stack.change(f"proxy: {{idle_client_timeout: {minutes}m}}")
    said = stack.stop("apply", moment, [number])
    if number is not KILL:
        assert "error: interrupted when all of it was done" in said
        assert "hint: nexusctl plan stopped shows that nothing is left to do" in said
        audit = project.root / ".nexusctl/audit/stopped.jsonl"
        assert '"outcome": "done"' in audit.read_text().splitlines()[-1]
    assert stack.attributes("aws_db_proxy")["idle_client_timeout"] == minutes * 60


def test_what_was_asked_for_when_nexusctl_was_killed_is_brought_in(stack: Stack) -> None:
    """Only a second signal and SIGKILL may cut off a request that AWS has taken."""
    project = stack.aws.project
    stack.change("users: {reader: {username: nexus_reader}}\nworkers: {user: ingest}")
    stack.stop("apply", Moment("apply", asked="^CreateSecret$"), [KILL], late=5.0)
    ((secret,),) = stack.unknown().values()
    said = project.must("apply", "stopped", exit_code=6)
    assert "AWS holds something that the state does not know" in said
    address = 'module.secrets.aws_secretsmanager_secret.main["reader"]'
    assert f"nexusctl terraform stopped -- import '{address}' ID" in said
    project.must("terraform", "stopped", "--", "import", address, secret)
    project.must("apply", "stopped")
    assert not stack.unknown()
    assert counted(stack) == EXPECTED | {"secrets": 2}


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (Moment("apply", asked="^DeleteDBInstance$"), KILL),
        (Moment("apply", asked="^DeleteSubnet$"), INT),
    ],
    ids=id_of,
)
def test_a_destruction_that_is_stopped_is_gone_on_with(
    stack: Stack, moment: Moment, number: signal.Signals
) -> None:
    said = stack.stop("destroy", moment, [number])
    if number is not KILL:
        assert "hint: nexusctl destroy stopped shows " in said
    assert not stack.unknown()


def test_in_the_end_nothing_is_left(stack: Stack) -> None:
    stack.aws.project.must("destroy", "stopped", "--yes")
    assert not any(stack.standing().values())
