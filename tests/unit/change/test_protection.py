import pytest

from nexusctl.change.impact import impact
from nexusctl.change.protection import (
    final_snapshots,
    has_to_be_typed,
    insist_same_region,
    lost_nowhere,
    protect,
    protect_database,
    standing_arns,
    tier_to_protect,
)
from nexusctl.errors import Exit, Refused
from tests.unit.change.plans import Recorded, plan_of

DATABASE = "module.database.aws_db_instance.main"
SECRET = 'module.secrets.aws_secretsmanager_secret.main["reports"]'
VERSION = 'module.secrets.aws_secretsmanager_secret_version.main["reports"]'
UNTAINT = "nexusctl terraform prod -- untaint {}".format


def test_loss_is_refused_with_address_line_and_option(recorded: Recorded) -> None:
    with pytest.raises(Refused) as refused:
        protect(recorded("user_removed"), tier="staging", untaint=UNTAINT)
    assert refused.value.exit_code is Exit.REFUSED
    assert f"  {SECRET}  data lost" in refused.value.message
    assert "recorded.yaml:34:1  users" in refused.value.message
    assert refused.value.hint is not None
    # Quotes in an address are the shell's, unless they are quoted.
    assert f"--allow-replace '{SECRET}' --allow-replace '{VERSION}'" in refused.value.hint


def test_loss_is_allowed_by_every_address_and_by_nothing_less(recorded: Recorded) -> None:
    removed = recorded("user_removed")
    protect(removed, [SECRET, VERSION], tier="production", untaint=UNTAINT)
    with pytest.raises(Refused, match="secret_version"):
        protect(removed, [SECRET], tier="production", untaint=UNTAINT)
    without_key = "module.secrets.aws_secretsmanager_secret.main"
    with pytest.raises(Refused):
        protect(removed, [without_key], tier="production", untaint=UNTAINT)


@pytest.mark.parametrize(
    "name", ["secrets_key_replaced", "backups_off", "backups_shorter", "single_renamed"]
)
def test_keys_backups_and_databases_are_protected(recorded: Recorded, name: str) -> None:
    with pytest.raises(Refused, match="cannot be made again"):
        protect(recorded(name), tier="staging", untaint=UNTAINT)


def test_what_was_deleted_outside_is_made_again_empty_only_by_its_address(
    recorded: Recorded,
) -> None:
    made_again = recorded("deleted_outside")
    with pytest.raises(Refused, match="somebody deleted the database") as refused:
        protect(made_again, tier="production", untaint=UNTAINT)
    assert refused.value.exit_code is Exit.REFUSED
    assert refused.value.hint is not None
    assert "undo the edit" not in refused.value.hint
    assert "restore what was deleted; or, if the loss is meant, add" in refused.value.hint
    assert f"--allow-replace {DATABASE}" in refused.value.hint
    addresses = [each.address for each in made_again.losses]
    protect(made_again, addresses, tier="production", untaint=UNTAINT)


@pytest.mark.parametrize("name", ["nothing", "first", "tls_off", "zone_added", "secret_version"])
def test_what_loses_no_data_is_nobodys_to_allow(recorded: Recorded, name: str) -> None:
    protect(recorded(name), tier="production", untaint=UNTAINT)


@pytest.mark.parametrize("name", ["database_renamed", "database_tainted", "destroy"])
def test_deletion_protection_has_to_be_off_in_what_is_applied(
    recorded: Recorded, name: str
) -> None:
    with pytest.raises(Refused, match="protected from deletion") as refused:
        protect(recorded(name), [DATABASE], tier="production", untaint=UNTAINT)
    assert refused.value.hint is not None
    assert "database.deletion_protection: false" in refused.value.hint
    with pytest.raises(Refused, match="protected from deletion"):
        protect_database(recorded(name), tier="development", untaint=UNTAINT)


def test_what_is_tainted_can_be_kept(recorded: Recorded) -> None:
    plan = plan_of("user_removed")
    secret = next(each for each in plan["resource_changes"] if each["address"] == SECRET)
    secret["change"]["actions"] = ["delete", "create"]
    secret["action_reason"] = "replace_because_tainted"
    with pytest.raises(Refused) as refused:
        protect(impact(plan), tier="staging", untaint=UNTAINT)
    assert refused.value.hint == (
        f"keep what is tainted, if it is sound:\n         {UNTAINT(SECRET)}\n"
        "       or undo the edit; or, if the loss is meant, add "
        f"--allow-replace '{SECRET}' --allow-replace '{VERSION}'"
    )
    with pytest.raises(Refused) as refused:
        protect(impact(plan), [VERSION], tier="staging", untaint=UNTAINT)
    assert refused.value.hint is not None
    assert "edit" not in refused.value.hint, "nothing was edited for it"
    with pytest.raises(Refused, match="protected from deletion") as refused:
        protect(recorded("database_tainted"), tier="production", untaint=UNTAINT)
    assert refused.value.hint is not None
    assert (
        f"keep what is tainted, if it is sound:\n         {UNTAINT(DATABASE)}" in refused.value.hint
    )


def test_production_is_not_deleted_without_a_final_snapshot(recorded: Recorded) -> None:
    for name in ("single_renamed", "single_destroy"):
        gone = recorded(name)
        with pytest.raises(Refused, match="without a final snapshot"):
            protect(gone, [DATABASE], tier="production", untaint=UNTAINT)
        with pytest.raises(Refused, match="without a final snapshot"):
            protect_database(gone, tier="production", untaint=UNTAINT)


def test_other_tiers_say_themselves_whether_there_is_a_final_snapshot(recorded: Recorded) -> None:
    protect_database(recorded("single_destroy"), tier="development", untaint=UNTAINT)
    protect(recorded("single_renamed"), [DATABASE], tier="development", untaint=UNTAINT)


def test_the_snapshot_that_is_left_is_named_with_the_key_that_it_needs() -> None:
    (left,) = final_snapshots(plan_of("destroy"))
    assert left.name.startswith("keystone-nexus-recorded-final-")
    assert left.key is not None
    assert left.key.startswith("arn:aws:kms:")
    assert left.key_lasts_days == 30
    (left,) = final_snapshots(plan_of("database_renamed"))
    assert left.key_lasts_days is None, "the key stays"


@pytest.mark.parametrize("name", ["nothing", "single_destroy"])
def test_no_snapshot_is_told_of_where_none_is_left(name: str) -> None:
    assert final_snapshots(plan_of(name)) == ()


def test_production_that_stands_is_protected_whatever_is_written_now(recorded: Recorded) -> None:
    for name in ("tier_lowered", "single_destroy", "tags"):
        assert tier_to_protect(plan_of(name), "development") == "production"
    gone = recorded("single_destroy")
    tier = tier_to_protect(plan_of("single_destroy"), "sandbox")
    with pytest.raises(Refused, match="without a final snapshot"):
        protect_database(gone, tier=tier, untaint=UNTAINT)


def test_production_is_not_made_another_tier_by_assuming_yes() -> None:
    assert has_to_be_typed("production", "development", assume_yes=True)
    assert has_to_be_typed("production", "production", assume_yes=False)
    assert not has_to_be_typed("production", "production", assume_yes=True)
    assert not has_to_be_typed("staging", "development", assume_yes=False)


def test_the_tier_and_deletion_protection_do_not_fall_in_one() -> None:
    document = plan_of("tier_lowered")
    protect(impact(document), tier="production", untaint=UNTAINT)
    for each in document["resource_changes"]:
        if each["type"] == "aws_db_instance":
            each["change"]["before"]["deletion_protection"] = True
            each["change"]["after"]["deletion_protection"] = False
    with pytest.raises(Refused, match="in one"):
        protect(impact(document), tier="production", untaint=UNTAINT)


def test_where_nothing_stands_the_tier_is_the_one_that_is_written() -> None:
    for tier in ("development", "production"):
        assert tier_to_protect(plan_of("first"), tier) == tier
        assert tier_to_protect({}, tier) == tier


def gone(address: str, arn: str | None) -> dict[str, object]:
    return {"address": address, "change": {"actions": ["delete"], "before": {"arn": arn}}}


def test_what_stands_in_another_region_is_not_taken_for_deleted() -> None:
    """As real plans have it: what is not found is in `resource_drift`, and is created anew."""
    drift = [
        gone("aws_db_instance.main", "arn:aws:rds:eu-central-1:111122223333:db:x"),
        gone("aws_iam_role.main", "arn:aws:iam::111122223333:role/x"),
        gone("aws_route_table_association.main", None),
    ]
    plan = {"resource_drift": drift, "resource_changes": [gone("aws_vpc.new", None)]}
    arns = standing_arns(plan)
    with pytest.raises(Refused, match=r"is in eu-central-1, not in eu-west-1, .* 1 res") as refused:
        insist_same_region(arns, "eu-west-1")
    assert "aws.region" in str(refused.value.hint)
    insist_same_region(arns, "eu-central-1")
    for name in ("first", "destroy", "drift_tags"):
        insist_same_region(standing_arns(plan_of(name)), "eu-central-1")


def test_what_is_allowed_to_be_lost_and_is_not_is_told(recorded: Recorded) -> None:
    removed = recorded("user_removed")
    typo = "module.typo.aws_x.y"
    assert lost_nowhere(removed, [SECRET, typo, VERSION]) == [typo]
