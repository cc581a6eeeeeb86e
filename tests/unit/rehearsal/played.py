"""A rehearsal that was never played, for the tests of what is made of one."""

from nexusctl.rehearsal.acts import Act, Outage, Overheads, Sample
from nexusctl.rehearsal.crowd import Opening, Served
from nexusctl.rehearsal.machine import Fitted, Scale
from nexusctl.rehearsal.rehearsal import ACTS, Rehearsal
from nexusctl.rehearsal.storm import Storm

STORM = Storm(
    clients=100,
    max_connections=40,
    servers=10,
    transactions_per_second=400,
    mean_transaction_seconds=0.02,
    variability=1.0,
    ramp_seconds=5,
    borrow_timeout_seconds=30,
    idle_client_timeout_seconds=1800,
)
BEGAN = 1_000_000.0
TOO_MANY = "sorry, too many clients already"


def openings(accepted: int, refused: int) -> tuple[Opening, ...]:
    failures = [None] * accepted + [TOO_MANY] * refused
    return tuple(Opening(BEGAN - 5, 0.01, failure) for failure in failures)


def served(count: int, waited: float, failure: str | None = None) -> tuple[Served, ...]:
    return tuple(Served(BEGAN + at / 100, waited, waited + 0.02, failure) for at in range(count))


def rehearsal(
    *, direct: Act | None = None, pooled: Act | None = None, restart: Act | None = None
) -> Rehearsal:
    samples = tuple(Sample(BEGAN + at / 10, 40, 60, 40, 0, at) for at in range(20))
    acts = (
        direct or Act(ACTS[0], openings(40, 60), served(160, 0.0), samples, BEGAN, 10),
        pooled or Act(ACTS[1], openings(100, 0), served(400, 0.004), samples, BEGAN, 10),
        restart
        or Act(
            ACTS[2],
            (),
            (*served(400, 2.1), *served(8, 0.0, "terminating connection")),
            samples,
            BEGAN,
            10,
            Outage(BEGAN + 2, BEGAN + 4.1, BEGAN + 12),
        ),
    )
    fitted = Fitted(STORM.scaled(1), STORM, Scale(1.0, "all of it fits on this machine"))
    versions = ("PostgreSQL 16.4", "PgBouncer 1.23.1")
    return Rehearsal(fitted, versions, Overheads(0.0003, 0.001, 0.0004), acts)
