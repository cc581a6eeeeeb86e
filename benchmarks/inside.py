"""What needs a process of its own to be measured: `python -m benchmarks.inside WHAT ARGS…`.

A peak of resident memory, in MB of 1024² bytes, is the last line printed.
"""

import base64
import json
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from nexusctl.environment.load import load
from nexusctl.render.render import render
from nexusctl.render.write import write
from nexusctl.workspace import shipped_assets


def render_all(environments: str, out: str) -> None:
    """Render all environments of a directory but `base`, each into its own directory in `out`."""
    for file in sorted(Path(environments).glob("*.yaml")):
        if file.stem != "base":
            write(render(load(file.stem, file.parent), shipped_assets()), Path(out) / file.stem)


def peak_of_nexusctl(*arguments: str) -> None:
    """Run nexusctl's command line; the peak of this process, its children apart."""
    from nexusctl.main import main

    if main(list(arguments)):
        sys.exit("nexusctl failed")
    _print_peak(resource.RUSAGE_SELF)


def peak_of_worker(environments: str, plan: str) -> None:
    """Judge the files and the plan of `sandbox`; the peak of the policy worker, the only child."""
    from nexusctl.policy.gate import Case, Gate

    assets, environment = shipped_assets(), load("sandbox", Path(environments))
    case = Case.of_environment(environment, render(environment, assets))
    with Gate(assets.policies, log=Path(plan).with_name("worker.log")) as gate:
        files = gate.judge_files(case)
        planned = gate.judge_plan(case, Path(plan), files)
    if not (files.passed and planned.passed):
        sys.exit(f"the gate says no: {files.denied or files.unjudged or planned}")
    _print_peak(resource.RUSAGE_CHILDREN)


def thousand_resources(file: str) -> None:
    """Write the JSON of a plan with a thousand resources: many proxies of one database, and roles.

    Laid out as Terraform lays it out; the values are of the kind that the policies look at.
    """
    stacks = 1000 // 5
    resources = []
    for number in range(stacks):
        name = f"stack-{number}"
        for kind, values in _stack(name).items():
            resources.append(
                {
                    "address": f"{kind}.{name}",
                    "mode": "managed",
                    "type": kind,
                    "name": name,
                    "provider_name": "registry.terraform.io/hashicorp/aws",
                    "schema_version": 0,
                    "values": values,
                }
            )
    changes = [
        {key: value for key, value in each.items() if key not in {"values", "schema_version"}}
        | {"change": {"actions": ["create"], "before": None, "after": each["values"]}}
        for each in resources
    ]
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {"resources": resources}},
        "resource_changes": changes,
        "configuration": {"root_module": {}},
    }
    Path(file).write_text(json.dumps(plan), "utf-8")


def _stack(name: str) -> dict[str, dict[str, object]]:
    secret = f"arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    auth = {"auth_scheme": "SECRETS", "iam_auth": "REQUIRED", "secret_arn": secret}
    return {
        "aws_db_proxy": {"name": name, "require_tls": True, "auth": [auth]},
        "aws_db_proxy_default_target_group": {
            "db_proxy_name": name,
            "connection_pool_config": [{"max_connections_percent": 80}],
        },
        "aws_iam_policy": {
            "name": name,
            "policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        },
        "aws_launch_template": {
            "name": name,
            "user_data": base64.b64encode(b"#!/bin/sh\nexec worker\n" * 40).decode(),
            "metadata_options": [{"http_tokens": "required", "http_put_response_hop_limit": 1}],
        },
        "aws_security_group": {
            "name": name,
            "ingress": [{"from_port": 5432, "to_port": 5432, "cidr_blocks": ["10.0.0.0/8"]}],
        },
    }


def _print_peak(who: int) -> None:
    per_mb = 1 << 20 if sys.platform == "darwin" else 1 << 10  # the unit of getrusage(2)
    print(resource.getrusage(who).ru_maxrss / per_mb)


WHATS: Mapping[str, Callable[..., None]] = {
    "render": render_all,
    "nexusctl": peak_of_nexusctl,
    "worker": peak_of_worker,
    "thousand": thousand_resources,
}

if __name__ == "__main__":
    WHATS[sys.argv[1]](*sys.argv[2:])
