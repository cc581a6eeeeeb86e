"""A receipt to start from."""

from datetime import UTC, datetime, timedelta

from nexusctl.change.receipt import Basis, Judged, Receipt, State

MADE = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
LINEAGE = "b1b4b19d-0a55-b665-396a-a52f8e8e3972"


def digest(character: str) -> str:
    return character * 64


BASIS = Basis(
    nexusctl="1.2.3",
    engine="terraform 1.11.4",
    account="111122223333",
    region="eu-central-1",
    backend="s3://states/prod.tfstate in eu-central-1",
    files={
        "main.tf": digest("1"),
        ".terraform.lock.hcl": digest("2"),
        "modules/proxy/main.tf": digest("3"),
    },
    policies={"tls.py": digest("4"), "pool.py": digest("5")},
    plan=digest("6"),
    state=State(lineage=LINEAGE, serial=12),
)

RECEIPT = Receipt(
    environment="prod",
    sandbox=False,
    made=MADE,
    expires=MADE + timedelta(hours=1),
    who="arn:aws:iam::111122223333:user/jo",
    commit="a" * 40,
    dirty=True,
    basis=BASIS,
    judged=Judged(findings=262, waived=("NEXUS_IDLE_CLIENT_TIMEOUT",)),
    counts={"create": 3, "update": 1},
)
