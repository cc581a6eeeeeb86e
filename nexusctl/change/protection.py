"""What nexusctl does not do to data unless it is told by address."""

import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nexusctl.change.impact import DATABASE, Impact, Loss
from nexusctl.errors import Refused
from nexusctl.terraform.plan import Action

OPTION = "--allow-replace"
PRODUCTION = "production"

Untaint = Callable[[str], str]


def tier_to_protect(document: Mapping[str, Any], tier: str) -> str:
    """The tier that a plan is held back by: production, where that is what stands; else `tier`.

    What stands is told by the tag `Tier`, which every resource has from the provider's
    `default_tags`; `tier` is that of the environment as it is written now, which the plan may be
    about to lower. `document` is the plan's JSON (`terraform show -json`).
    """
    standing = (each["change"].get("before") or {} for each in document.get("resource_changes", ()))
    tags = (values.get("tags_all") or {} for values in standing)
    return PRODUCTION if any(each.get("Tier") == PRODUCTION for each in tags) else tier


def has_to_be_typed(standing: str, written: str, *, assume_yes: bool) -> bool:
    """Whether `apply` asks for the environment's name to be typed.

    It does for production, unless told to assume yes; and in any case where what stands is
    production and something else is written: after that nothing protects it as production.
    `standing` is what `tier_to_protect` says, `written` the environment's tier.
    """
    return standing == PRODUCTION and (written != PRODUCTION or not assume_yes)


def protect(impact: Impact, allowed: Collection[str] = (), *, tier: str, untaint: Untaint) -> None:
    """Make sure that a plan loses only what is allowed to be lost, by address.

    What `protect_database` refuses, no address allows. `untaint` is the command that keeps the
    resource with an address, for the hint.

    Raises:
        Refused: it names each address, the line behind it, and what to add to the command; or the
            plan lowers the tier of production and takes off its deletion protection in one.
    """
    if {"tier-lowered", "database-protection-off"} <= {each.rule.id for each in impact.statements}:
        raise Refused(
            "the plan lowers the tier and turns off the database's deletion protection in one",
            hint="these are two decisions: apply one of the edits first, then the other",
        )
    protect_database(impact, tier=tier, untaint=untaint)
    refused = [loss for loss in impact.losses if loss.address not in allowed]
    if refused:
        addresses = dict.fromkeys(loss.address for loss in refused)
        options = " ".join(f"{OPTION} {shlex.quote(address)}" for address in addresses)
        ways = []
        if not all(loss.tainted or loss.deleted_outside for loss in refused):
            ways.append("undo the edit; or, ")
        if any(loss.deleted_outside for loss in refused):
            ways.append("restore what was deleted; or, ")
        raise Refused(
            _listed("what cannot be made again would be lost", refused),
            hint=_keeping_tainted(refused, untaint)
            + f"{''.join(ways)}if the loss is meant, add {options}",
        )


def lost_nowhere(impact: Impact, allowed: Collection[str]) -> list[str]:
    """The addresses that may be lost and are not: misspelt, or meant for another plan."""
    lost = {loss.address for loss in impact.losses}
    return [address for address in dict.fromkeys(allowed) if address not in lost]


def protect_database(impact: Impact, *, tier: str, untaint: Untaint) -> None:
    """Make sure that a database may go: all that is asked of `destroy`, where every loss is meant.

    Raises:
        Refused: its deletion protection is applied, so that AWS would refuse halfway; or it is one
            of production and would leave no final snapshot.
    """
    gone = [
        loss
        for loss in impact.losses
        if loss.is_database and loss.statement.action in {Action.DESTROY, Action.REPLACE}
    ]
    protected = [loss for loss in gone if loss.deletion_protection]
    if protected:
        raise Refused(
            _listed("the database is protected from deletion", protected),
            hint=_keeping_tainted(protected, untaint)
            + "turn that off in a change of its own: set database.deletion_protection: false "
            "and apply that first",
        )
    without = [loss for loss in gone if loss.skip_final_snapshot]
    if without and tier == PRODUCTION:
        raise Refused(
            _listed("a database of production would go without a final snapshot", without),
            hint="set database.skip_final_snapshot: false and apply that first, as a change of "
            "its own",
        )


def standing_arns(document: Mapping[str, Any]) -> set[str]:
    """The ARNs of what stands, by a plan's JSON: what was not found in AWS any more, too.

    A plan that destroys does not tell of the latter.
    """
    entries = (*document.get("resource_drift", ()), *document.get("resource_changes", ()))
    arns = ((entry["change"].get("before") or {}).get("arn") for entry in entries)
    return {arn for arn in arns if isinstance(arn, str)}


def insist_same_region(arns: Iterable[str], region: str) -> None:
    """Make sure that what stands, by its ARNs, is in the environment's region.

    In another one the provider finds nothing of it, takes it for deleted, and makes all of it anew.

    Raises:
        Refused: an ARN names another region.
    """
    elsewhere = [each for each in map(_region, arns) if each not in ("", region)]
    if elsewhere:
        regions = ", ".join(sorted(set(elsewhere)))
        raise Refused(
            f"what stands is in {regions}, not in {region}, where nothing of it is found: "
            f"{len(elsewhere)} resources would be left behind, unmanaged",
            hint=f"undo the edit of aws.region; a stack in {region} is an environment of its own",
        )


def _region(arn: str) -> str:
    """The region in an ARN; empty where it has none, as those of IAM and S3."""
    # arn:partition:service:region:account:resource (AWS General Reference, ARN format)
    parts = arn.split(":")
    return parts[3] if len(parts) > 5 else ""  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class FinalSnapshot:
    """What is left of a database that is destroyed: a snapshot, and the key that it needs.

    `key_lasts_days` is how long the key can still be kept, None where the plan leaves it alone.
    """

    name: str
    key: str | None
    key_lasts_days: int | None


def final_snapshots(document: Mapping[str, Any]) -> tuple[FinalSnapshot, ...]:
    """The snapshots that a plan leaves of databases, by its JSON (`terraform show -json`).

    A key that is deleted waits for 7 to 30 days; then its snapshots cannot be restored any more
    (KMS Developer Guide, Deleting AWS KMS keys).
    """
    gone = [
        (change["type"], change["change"]["before"])
        for change in document.get("resource_changes", ())
        if "delete" in change["change"]["actions"]
    ]
    keys = {
        before["arn"]: before.get("deletion_window_in_days") or 30
        for kind, before in gone
        if kind == "aws_kms_key"
    }
    return tuple(
        FinalSnapshot(
            before["final_snapshot_identifier"],
            before.get("kms_key_id"),
            keys.get(before.get("kms_key_id")),
        )
        for kind, before in gone
        if kind == DATABASE
        and not before.get("skip_final_snapshot")
        and before.get("final_snapshot_identifier")
    )


def _keeping_tainted(losses: Iterable[Loss], untaint: Untaint) -> str:
    """What a hint begins with, where something goes only because it is tainted."""
    commands = dict.fromkeys(untaint(loss.address) for loss in losses if loss.tainted)
    if not commands:
        return ""
    return "\n         ".join(["keep what is tainted, if it is sound:", *commands]) + "\n       or "


def _listed(what: str, losses: Iterable[Loss]) -> str:
    lines = [f"{what}:"]
    for loss in losses:
        said = loss.statement
        lines.append(f"  {loss.address}  {said.effect}: {said.says}")
        lines += [f"    from {origin}" for origin in said.origins]
    return "\n".join(lines)
