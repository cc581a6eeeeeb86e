"""Projects to run nexusctl in, each with an embedded AWS of its own that ends with it."""

import shutil
from collections.abc import Iterator

import pytest

from nexusctl.workspace import PACKAGE
from tests.integration.project import NewProject, Project


@pytest.fixture(scope="module")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewProject]:
    """Makes projects with the shipped environments."""
    made: list[Project] = []

    def make() -> Project:
        root = tmp_path_factory.mktemp("project")
        shutil.copytree(PACKAGE.parent / "environments", root / "environments")
        made.append(Project(root))
        return made[-1]

    yield make
    for project in made:
        project.sandbox.stop()
