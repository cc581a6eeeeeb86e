"""policies/workers.py: metadata, disks, addresses and key pairs of workers, and their templates."""

from collections.abc import Iterator

import pytest

from nexusctl.policy.gate import Gate
from tests.integration.judging import (
    POLICIES,
    judge_both,
    judge_files,
    judge_plan,
    messages,
    named,
    outcomes,
    sets,
)

FIXTURE = "workers"
METADATA, DISKS = "NEXUS_WORKER_METADATA", "NEXUS_WORKER_DISKS"
ADDRESS, KEY_PAIR = "NEXUS_WORKER_ADDRESS", "NEXUS_WORKER_KEY_PAIR"
TEMPLATE = "NEXUS_WORKER_TEMPLATE"

TEMPLATES = named(
    "aws_launch_template",
    *("pass", "pass_dynamic", "fail_bare", "fail_imdsv1", "fail_hops_absent", "fail_hops"),
    *("fail_second_disk", "fail_disk_absent", "fail_no_volume", "fail_second_interface"),
    *("fail_interface_absent", 'fail_each_disk["encrypted"]', 'fail_each_disk["clear"]'),
    *("fail_root", "unknown", "unknown_dynamic", "unknown_root", "later"),
)
MACHINES = TEMPLATES | named("aws_instance", "pass", "fail", "fail_elastic")
MACHINES |= named("aws_launch_configuration", "pass", "fail")
# Of these a key pair is all that is said.
KEYS = named("aws_launch_configuration", "fail_key_pair", "unknown_key_pair")
MACHINES |= KEYS
MACHINES |= named("aws_spot_instance_request", "pass", "fail")
EVERY = {
    METADATA: MACHINES | named("aws_spot_fleet_request", "pass", "fail"),
    DISKS: MACHINES
    | named("aws_ebs_volume", "pass", "fail_absent", 'fail["encrypted"]', 'fail["clear"]')
    | {"aws_ebs_volume.unknown"}
    | named("aws_volume_attachment", "pass", "unknown_foreign")
    | named("aws_ebs_snapshot_copy", "pass", "fail")
    | {"aws_ami_copy.fail", "aws_ebs_encryption_by_default.fail"},
    ADDRESS: MACHINES
    | named("aws_eip", "pass", "elastic", "fail_interface")
    | {"aws_eip_association.fail"},
    KEY_PAIR: MACHINES,
    TEMPLATE: named("aws_autoscaling_group", "pass", "pass_configuration", "pass_mixed")
    | named("aws_autoscaling_group", "unknown", "unknown_foreign", "unknown_override")
    | named("aws_ec2_fleet", "pass", "unknown_foreign")
    | named("aws_spot_fleet_request", "pass", "fail"),
}

BARE = {"aws_launch_template.fail_bare", "aws_launch_configuration.fail"}
BARE |= {"aws_spot_instance_request.fail"}
FAILED = {
    METADATA: BARE
    | KEYS
    | named("aws_launch_template", "fail_imdsv1", "fail_hops_absent", "fail_hops")
    | {"aws_instance.fail", "aws_spot_fleet_request.fail"},
    DISKS: BARE
    | KEYS
    | named("aws_launch_template", "fail_second_disk", "fail_disk_absent", "fail_no_volume")
    | named("aws_launch_template", "fail_root", 'fail_each_disk["clear"]')
    | named("aws_instance", "fail", "fail_elastic")
    | named("aws_ebs_volume", "fail_absent", 'fail["clear"]')
    | {"aws_ebs_snapshot_copy.fail", "aws_ami_copy.fail"}
    | {"aws_ebs_encryption_by_default.fail"},
    ADDRESS: BARE
    | KEYS
    | named("aws_launch_template", "fail_second_interface", "fail_interface_absent")
    | {"aws_instance.fail", "aws_eip_association.fail"}
    | named("aws_eip", "elastic", "fail_interface"),
    KEY_PAIR: BARE | {"aws_instance.fail", "aws_launch_configuration.fail_key_pair"},
    TEMPLATE: set[str](),
}
LATER = {"aws_launch_template.later"}
UNKNOWN = {
    METADATA: {"aws_launch_template.unknown"},
    DISKS: named("aws_launch_template", "unknown", "unknown_dynamic", "unknown_root")
    | {"aws_ebs_volume.unknown", "aws_volume_attachment.unknown_foreign"},
    ADDRESS: named("aws_launch_template", "unknown", "unknown_dynamic"),
    KEY_PAIR: {"aws_launch_template.unknown", "aws_launch_configuration.unknown_key_pair"},
    TEMPLATE: named("aws_autoscaling_group", "unknown", "unknown_foreign", "unknown_override")
    | {"aws_ec2_fleet.unknown_foreign"},
}
# Of what nobody wrote a plan alone says that it is not known.
UNWRITTEN = {
    METADATA: set[str](),
    DISKS: {"aws_launch_configuration.pass", "aws_spot_instance_request.pass"},
    ADDRESS: {"aws_eip.pass"},
    KEY_PAIR: named("aws_instance", "pass", "fail_elastic")
    | {"aws_launch_configuration.pass", "aws_spot_instance_request.pass"},
    TEMPLATE: named("aws_autoscaling_group", "pass", "pass_configuration", "pass_mixed"),
}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    directory = tmp_path_factory.mktemp("gate")
    with Gate(POLICIES, directory / "policy.log", directory / "cache") as gate:
        yield gate


@pytest.mark.parametrize("policy", [METADATA, DISKS, ADDRESS, KEY_PAIR, TEMPLATE])
def test_launch(gate: Gate, policy: str) -> None:
    failed, unknown = FAILED[policy], UNKNOWN[policy]
    every = EVERY[policy]
    found = outcomes(judge_files(gate, FIXTURE), policy)
    deferred = unknown | (LATER & every)
    assert found == sets(passed=every - failed - deferred, failed=failed, deferred=deferred)
    found = outcomes(judge_both(gate, FIXTURE), policy)
    assert found == sets(passed=every - failed - unknown, failed=failed | unknown)
    failed = failed | unknown | UNWRITTEN[policy]
    found = outcomes(judge_plan(gate, FIXTURE), policy)
    assert found == sets(passed=every - failed, failed=failed)


def test_launch_messages(gate: Gate) -> None:
    verdict = judge_files(gate, FIXTURE)
    assert messages(verdict, METADATA)["aws_launch_template.fail_hops"] == (
        "metadata_options.1.http_put_response_hop_limit is 2, not 1"
    )
    assert messages(verdict, DISKS)["aws_launch_template.fail_second_disk"] == (
        "block_device_mappings.2.ebs.1.encrypted is false, not true"
    )
    assert messages(verdict, DISKS)["aws_instance.fail"] == (
        "root_block_device has no volume: the AMI decides"
    )
    assert messages(verdict, DISKS)["aws_launch_template.fail_root"] == (
        "block_device_mappings has no root device (/dev/xvda, /dev/sda1): the AMI decides"
    )
    assert messages(verdict, ADDRESS)["aws_eip.elastic"] == (
        "it gives the instance a public address"
    )
    assert messages(verdict, KEY_PAIR)["aws_instance.fail"] == "key_name is operator"
    assert messages(verdict, KEY_PAIR)["aws_launch_configuration.fail_key_pair"] == (
        "key_name is that of aws_key_pair.later.key_name"
    )


@pytest.mark.parametrize("tier", ["sandbox", "development", "staging"])
def test_every_tier(gate: Gate, tier: str) -> None:
    policies = {METADATA, DISKS, ADDRESS, KEY_PAIR, TEMPLATE}
    verdict = judge_files(gate, FIXTURE, tier)
    assert policies <= {finding.policy.id for finding in verdict.findings}
