"""The impact of recorded plans, judged with the environment and the modules that were planned."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nexusctl.change.impact import Impact, drift, impact
from nexusctl.change.provenance import Provenance
from nexusctl.environment.load import load
from nexusctl.render.render import render
from nexusctl.workspace import PACKAGE, Assets
from tests.fixtures.plans.edits import EDITS, SINGLE, Edit

PLANS = PACKAGE.parent / "tests" / "fixtures" / "plans"
ALL_EDITS = {"first": Edit(), **EDITS, **SINGLE}


def plan_of(name: str) -> Any:
    """The recorded plan of that name, as `terraform show -json` prints it."""
    return json.loads((PLANS / f"{name}.json").read_bytes())


@dataclass(frozen=True)
class Recorded:
    """Recorded plans, and what was edited for them, written into a directory."""

    directory: Path

    def provenance(self, edit: Edit) -> Provenance:
        environments, assets = self.directory / "environments", self.directory / "assets"
        shutil.copytree(PACKAGE.parent / "environments", environments, dirs_exist_ok=True)
        for name in ("templates", "terraform"):
            shutil.copytree(PACKAGE.parent / name, assets / name, dirs_exist_ok=True)
        text = (PLANS / "recorded.yaml").read_text()
        for old, new in edit.yaml:
            assert old in text
            text = text.replace(old, new, 1)
        (environments / "recorded.yaml").write_text(text)
        for file, (old, new) in (edit.modules or {}).items():
            module = assets / "terraform" / "modules" / file
            assert old in module.read_text()
            module.write_text(module.read_text().replace(old, new, 1))
        shipped = Assets(assets / "templates", assets / "terraform", assets / "policies")
        environment = load("recorded", environments)
        return Provenance(environment, render(environment, shipped))

    def __call__(self, name: str) -> Impact:
        judge = drift if name.startswith("drift") else impact
        return judge(plan_of(name), self.provenance(ALL_EDITS[name]))
