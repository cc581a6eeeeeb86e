"""`nexusctl budget --measure` against the embedded AWS and against no AWS at all."""

import json

from tests.integration.project import NewProject


def test_it_measures_the_running_database(new_project: NewProject) -> None:
    project = new_project()
    assert "there is no database keystone-nexus-prod" in project.must(
        "budget", "prod", "--sandbox", "--measure", exit_code=7
    )
    rds = project.client("rds", "111122223333")
    rds.create_db_parameter_group(
        DBParameterGroupName="prod", DBParameterGroupFamily="postgres16", Description="x"
    )
    rds.create_db_instance(
        DBInstanceIdentifier="keystone-nexus-prod",
        DBInstanceClass="db.r6g.large",
        Engine="postgres",
        DBParameterGroupName="prod",
    )
    formula = json.loads(project.run("budget", "prod", "--sandbox", "--measure", "--json").stdout)
    assert formula["inputs"]["max_connections_source"] == "estimate"
    assert "on db.r6g.large" in formula["inputs"]["max_connections_origin"]

    rds.modify_db_parameter_group(
        DBParameterGroupName="prod",
        Parameters=[
            {
                "ParameterName": "max_connections",
                "ParameterValue": "2000",
                "ApplyMethod": "pending-reboot",
            }
        ],
    )
    screen = project.must("budget", "prod", "--sandbox", "--measure")
    assert "2000" in screen
    assert "measured: parameter group prod" in screen


def test_without_credentials(new_project: NewProject) -> None:
    project = new_project()
    project.variables.update(
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE="/dev/null",
        AWS_SHARED_CREDENTIALS_FILE="/dev/null",
    )
    said = project.must("budget", "prod", "--measure", exit_code=7)
    assert "sign in to AWS" in said
    assert "prod holds its peak" in project.must("budget", "prod")
