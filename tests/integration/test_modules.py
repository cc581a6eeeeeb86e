"""The Terraform modules: formatted, documented, valid alone and together, and tested by Terraform.

The provider is a mock throughout, so nothing here needs AWS or the sandbox.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexusctl.terraform.engine import find_engine
from nexusctl.terraform.providers import find_provider, user_configuration, write_configuration
from nexusctl.workspace import shipped_assets

MODULES = shipped_assets().terraform / "modules"
NAMES = ["network", "database", "secrets", "proxy", "workers", "alarms"]

# Everything the modules take from each other, wired as the rendered root wires it.
STACK = """
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "passwords" {
  type      = map(string)
  ephemeral = true
  sensitive = true
}

module "network" {
  source              = "./modules/network"
  name                = "keystone-nexus-test"
  cidr_block          = "10.20.0.0/16"
  availability_zones  = ["eu-central-1a", "eu-central-1b"]
  interface_endpoints = ["logs", "ssm"]
}

module "database" {
  source                    = "./modules/database"
  name                      = "keystone-nexus-test"
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.private_subnet_ids
  database_name             = "nexus"
  master_username           = "nexus_admin"
  engine_version            = "16.4"
  instance_class            = "db.t4g.medium"
  allocated_storage_gib     = 20
  max_allocated_storage_gib = 0
  storage_type              = "gp3"
  multi_az                  = true
  backup_retention_days     = 7
  backup_window             = "01:00-02:00"
  maintenance_window        = "sun:03:00-sun:04:00"
  deletion_protection       = true
  skip_final_snapshot       = false
  apply_immediately         = false
  log_retention_days        = 30
}

module "secrets" {
  source    = "./modules/secrets"
  name      = "keystone-nexus-test"
  users     = { app = { username = "nexus_app", secret_version = 1 } }
  passwords = var.passwords
}

module "proxy" {
  source                     = "./modules/proxy"
  name                       = "keystone-nexus-test"
  vpc_id                     = module.network.vpc_id
  subnet_ids                 = module.network.private_subnet_ids
  database_identifier        = module.database.identifier
  database_security_group_id = module.database.security_group_id
  database_port              = module.database.port
  secrets                    = module.secrets.secrets
  secrets_kms_key_arn        = module.secrets.kms_key_arn

  connection_pool = {
    max_connections_percent           = 80
    max_idle_connections_percent      = 40
    connection_borrow_timeout_seconds = 30
  }

  lambda_clients = {
    ingest = {
      security_group_id = "sg-0a1b2c3d4e5f60718"
      role_name         = "nexus-ingest"
      username          = "nexus_app"
    }
  }
}

module "workers" {
  source                      = "./modules/workers"
  name                        = "keystone-nexus-test"
  vpc_id                      = module.network.vpc_id
  subnet_ids                  = module.network.private_subnet_ids
  instance_type               = "c7g.large"
  min_size                    = 2
  max_size                    = 40
  processes_per_instance      = 4
  connections_per_process     = 10
  command                     = "exec /opt/nexus/bin/worker"
  root_volume_gib             = 20
  target_cpu_percent          = 60
  instance_refresh            = { min_healthy_percentage = 90, max_healthy_percentage = 110 }
  proxy_endpoint              = module.proxy.endpoint
  proxy_port                  = module.proxy.port
  proxy_security_group_id     = module.proxy.security_group_id
  database_name               = module.database.database_name
  database_username           = module.secrets.secrets["app"].username
  region                      = "eu-central-1"
  connect_policy_arn          = module.proxy.connect_policy_arns["app"]
  endpoints_security_group_id = module.network.endpoints_security_group_id
  s3_prefix_list_id           = module.network.s3_prefix_list_id
}

module "alarms" {
  source     = "./modules/alarms"
  name       = "keystone-nexus-test"
  proxy_name = module.proxy.name
}
"""

# A plan, in which nothing is known that AWS would have to make up.
STACK_TEST = """
mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
}

run "plans_before_anything_exists" {
  command = plan

  variables {
    passwords = { app = "not-a-password" }
  }

  assert {
    condition     = length(module.alarms.alarm_names) == 7
    error_message = "The whole stack is planned, down to the alarms."
  }
}
"""

USER_DATA_TEST = """
mock_provider "aws" {
  override_during = plan

  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }

  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/workers" }
  }
}

run "user_data" {
  command = plan
}
"""

WORKERS = {
    "name": "keystone-nexus-test",
    "vpc_id": "vpc-0a1b2c3d4e5f60718",
    "subnet_ids": ["subnet-0a1b2c3d4e5f60718"],
    "instance_type": "c7g.large",
    "min_size": 1,
    "max_size": 2,
    "processes_per_instance": 2,
    "connections_per_process": 10,
    "root_volume_gib": 20,
    "target_cpu_percent": 60,
    "instance_refresh": {"min_healthy_percentage": 90, "max_healthy_percentage": 110},
    "proxy_endpoint": "test.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com",
    "proxy_port": 5432,
    "proxy_security_group_id": "sg-0a1b2c3d4e5f60718",
    "database_name": "nexus",
    "database_username": "nexus_app",
    "region": "eu-central-1",
    "connect_policy_arn": "arn:aws:iam::123456789012:policy/connect",
}

HOSTILE = (
    "printf '%s' \"quoted 'twice' \\\"thrice\\\"\" `echo ticks` $(echo subshell) ${HOME} \\\\ \\n\n"
    "- content: %i %h %%{ if } ${ path } # <&> \u2028 漢字 😀 {}: []\n"
    "EOF\n"
    "\truncmd: [[rm, -rf, /]] \u00a0 !!python/object:os.system --- ..."
)

Terraform = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Runs Terraform in a directory, with the provider of a mirror where there is one."""
    engine = find_engine()
    source = find_provider(engine, os.environ)
    config = write_configuration(
        source, engine, tmp_path_factory.mktemp("terraform") / "terraform.rc"
    )
    foreign = ("AWS_", "TF_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    environment |= {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
    configured = config or user_configuration(os.environ)
    if configured:
        environment["TF_CLI_CONFIG_FILE"] = str(configured)

    def run(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*engine.argv, *arguments],
            cwd=directory,
            env=environment,
            text=True,
            capture_output=True,
            check=False,
        )

    return run


def succeed(result: "subprocess.CompletedProcess[str]") -> str:
    """The standard output of a Terraform that succeeded; fails the test otherwise."""
    if result.returncode:
        pytest.fail(f"{shlex.join(result.args)}\n{result.stdout}\n{result.stderr}")
    return result.stdout


@pytest.fixture
def workers_user_data(terraform: Terraform, tmp_path: Path) -> Callable[[str], str]:
    """What cloud-init gets when the workers' command is the given one."""

    def planned(command: str) -> str:
        module = tmp_path / "workers"
        shutil.copytree(
            MODULES / "workers", module, ignore=shutil.ignore_patterns(".terraform*", "tests")
        )
        (module / "tests").mkdir()
        (module / "tests/user_data.tftest.hcl").write_text(USER_DATA_TEST)
        (module / "test.tfvars.json").write_text(json.dumps(WORKERS | {"command": command}))
        succeed(terraform(module, "init", "-backend=false", "-no-color"))
        output = succeed(
            terraform(module, "test", "-json", "-verbose", "-var-file=test.tfvars.json")
        )
        events: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
        plan = next(event["test_plan"] for event in events if event["type"] == "test_plan")
        template = next(
            change["change"]["after"]
            for change in plan["resource_changes"]
            if change["address"] == "aws_launch_template.main"
        )
        return decoded(template["user_data"])

    return planned


def decoded(text: str) -> str:
    """Base64 to text, as EC2 does before cloud-init reads it."""
    return b64decode(text, validate=True).decode()


def declared(module: str, kind: str, file: str) -> list[str]:
    """The names of a module's variables or outputs."""
    return re.findall(rf'^{kind} "(\w+)"', (MODULES / module / file).read_text(), re.MULTILINE)


def test_the_list_of_modules_is_complete() -> None:
    assert sorted(NAMES) == sorted(each.name for each in MODULES.iterdir() if each.is_dir())


def test_modules_are_formatted(terraform: Terraform) -> None:
    succeed(terraform(MODULES, "fmt", "-check", "-diff", "-recursive"))


@pytest.mark.parametrize("name", NAMES)
def test_module_passes_its_own_tests(terraform: Terraform, tmp_path: Path, name: str) -> None:
    module = tmp_path / name
    shutil.copytree(MODULES / name, module, ignore=shutil.ignore_patterns(".terraform*"))
    succeed(terraform(module, "init", "-backend=false", "-no-color"))
    output = succeed(terraform(module, "test", "-no-color"))
    assert re.search(r"Success! [1-9]\d* passed, 0 failed\.", output)


@pytest.mark.parametrize("name", NAMES)
def test_readme_names_every_input_and_output(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (MODULES / name / "README.md").read_text(), re.MULTILINE)
    assert rows == [
        *sorted(declared(name, "variable", "variables.tf")),
        *sorted(declared(name, "output", "outputs.tf")),
    ]


def test_modules_fit_together(terraform: Terraform, tmp_path: Path) -> None:
    shutil.copytree(MODULES, tmp_path / "modules", ignore=shutil.ignore_patterns(".terraform*"))
    (tmp_path / "main.tf").write_text(STACK)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/stack.tftest.hcl").write_text(STACK_TEST)
    succeed(terraform(tmp_path, "init", "-backend=false", "-no-color"))
    output = succeed(terraform(tmp_path, "test", "-no-color"))
    assert "Success! 1 passed, 0 failed." in output


def test_user_data_holds_any_command(
    workers_user_data: Callable[[str], str], tmp_path: Path
) -> None:
    text = workers_user_data(HOSTILE)
    assert text.startswith("#cloud-config\n")

    # PyYAML is the parser cloud-init uses.
    files = {each["path"]: each for each in yaml.safe_load(text)["write_files"]}
    assert files["/usr/local/bin/keystone-nexus-worker"]["content"] == f"#!/bin/bash\n{HOSTILE}\n"
    assert len(files) == 3
    assert yaml.safe_load(text)["runcmd"] == [
        ["systemctl", "daemon-reload"],
        [
            "systemctl",
            "enable",
            "--now",
            "keystone-nexus-worker@1.service",
            "keystone-nexus-worker@2.service",
        ],
    ]

    # A shell reads the environment file as systemd does.
    environment_file = tmp_path / "worker.env"
    environment_file.write_text(files["/etc/keystone-nexus/worker.env"]["content"])
    shell = ["bash", "-c", 'set -a; PATH=; . "$1"; /usr/bin/env', "-", str(environment_file)]
    read = subprocess.run(shell, env={}, text=True, capture_output=True, check=True).stdout
    assert {line for line in read.splitlines() if line.startswith(("PG", "NEXUS_", "AWS_"))} == {
        "AWS_REGION=eu-central-1",
        "NEXUS_CONNECTIONS_PER_PROCESS=10",
        "NEXUS_DATABASE_AUTH=iam-token",
        "PGDATABASE=nexus",
        "PGHOST=test.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com",
        "PGPORT=5432",
        "PGSSLMODE=verify-full",
        "PGSSLROOTCERT=system",
        "PGUSER=nexus_app",
    }
