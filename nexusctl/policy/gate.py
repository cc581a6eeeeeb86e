"""The gate: a Terraform root or a plan in, a verdict out. It fails closed.

What must be judged is counted here, from the files and the plan themselves. What the worker says
is compared with that: each (policy, resource) needs exactly one record, and whatever is missing,
doubled, or went wrong on the way is in the verdict as unjudged.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nexusctl.configuration.configuration import Configuration, Instance, read
from nexusctl.environment.origin import Origin
from nexusctl.errors import ToolUnfit
from nexusctl.policy.cache import Cache, policies_digest
from nexusctl.policy.catalogue import OPTIONAL, REQUIRED, read_catalogue
from nexusctl.policy.client import Worker, WorkerLost
from nexusctl.policy.forms import masked
from nexusctl.policy.literals import shown
from nexusctl.policy.other_makers import other_makers
from nexusctl.policy.planned import (
    incomplete,
    instances,
    plan_digest,
    read_plan,
    unaccounted,
    without_indexes,
)
from nexusctl.policy.search import (
    Hit,
    in_configuration,
    in_files,
    in_plan,
    in_settings,
    in_state,
    told,
)
from nexusctl.policy.subject import BACKEND, environment_of, judged
from nexusctl.policy.verdict import (
    TIERS,
    About,
    Finding,
    Outcome,
    Remedy,
    Setting,
    Subject,
    Verdict,
)
from nexusctl.policy.waivers import WAIVER, Waiver
from nexusctl.policy.waivers import apply as apply_waivers
from nexusctl.render.rendered import Rendered

if TYPE_CHECKING:
    from nexusctl.environment.environment import Environment

PASSWORDS = "NEXUS_NO_HARDCODED_PASSWORD"
# The keys in an address: `module.secrets.aws_x.y["ingest"]`.
_KEY = re.compile(r"\[\"([^\"\\]+)\"\]")


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged, and by which measure.

    `files` is the Terraform root, path by path, empty where only a plan is at hand. `root` is where
    the files lie, None for a rendered root. `strict`: what the files leave to the plan has not been
    judged, because no plan will be. `var_files` are those of `files` that Terraform will be given.
    """

    name: str
    tier: str
    source: Path
    files: Mapping[str, str]
    root: Path | None = None
    strict: bool = False
    environment: "Environment | None" = None
    rendered: Rendered | None = None
    today: date = field(default_factory=date.today)
    missing: tuple[str, ...] = ()  # why `files` are not all that Terraform would read
    var_files: tuple[str, ...] = ()

    @classmethod
    def of_environment(cls, environment: "Environment", rendered: Rendered) -> "Case":
        """An environment and the root that was rendered from it."""
        return cls(
            environment.name,
            environment.settings.tier,
            environment.files[0],
            rendered.files,
            environment=environment,
            rendered=rendered,
        )

    def place(self, file: str, line: int) -> str:
        """FILE:LINE of what is in `files`, as the user finds it."""
        return f"{os.path.normpath(self.root / file) if self.root else file}:{line}"

    @property
    def waivers(self) -> list[Waiver]:
        """The waivers of the environment."""
        environment = self.environment
        if environment is None:
            return []
        return [
            Waiver(
                shown(each.policy),
                shown(each.resource),
                shown(each.reason),
                shown(each.owner),
                shown(each.expires),
                environment.origin("waivers", number),
            )
            for number, each in enumerate(environment.settings.waivers)
        ]


class Gate:
    """Judges with the policies of a directory. A context manager: leaving it ends the worker.

    `log` (0600) takes what checkov prints. `cache` is a directory for answers that can be used
    again; without one, everything is judged anew.
    """

    def __init__(
        self, policies: Path, log: Path, cache: Path | None = None, patience_seconds: float = 120.0
    ) -> None:
        self._policies = policies
        self._log = log
        self._cache = Cache(cache) if cache else None
        self._patience = patience_seconds
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def catalogue(self) -> Mapping[str, About]:
        """The policies, by id.

        Raises:
            ToolUnfit: the policies cannot be read.
        """
        return read_catalogue(self._policies)

    def start(self) -> None:
        """Let the worker begin its import of checkov. Returns at once."""
        if self._worker is None or not self._worker.alive:
            self.stop()
            self._worker = Worker(self._policies, self._log)

    def stop(self) -> None:
        """End the worker. The next question gets a new one, with the policies as they are then."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def judge_files(self, case: Case) -> Verdict:
        """What the policies say of a Terraform root.

        Raises:
            ToolUnfit: the policies cannot be read.
        """
        catalogue = self.catalogue
        key = self._key("files", case, _digest(case))
        answer = self._kept(key)
        if answer is None:
            self.start()  # it imports checkov while the files are read
        configuration = read(case.files, var_files=case.var_files)
        expected = judged(configuration)
        if case.environment:
            settings = case.environment.settings.model_dump(mode="json")
            expected.append(environment_of(case.environment.name, settings))
        trouble = [
            *case.missing,
            *(
                f"{case.place(each.file, each.line)}: {each.message}"
                for each in configuration.problems
            ),
            *(f"{case.place(one.file, one.line)}: {why}" for one, why in other_makers(expected)),
        ]
        hits = in_settings(case.environment.settings.model_dump()) if case.environment else []
        hits += [*in_files(case.files), *in_configuration(configuration)]
        if not expected and case.root is not None:
            trouble.append("there is no resource in it: nothing was judged")
        if answer is None:
            answer = self._ask(expected, case.tier)
        judging = _Judging("files", case, catalogue, answer, trouble)
        if case.strict:
            judging.notices += _not_given(case, configuration)
        judging.expect(expected)
        verdict = judging.verdict(expected, hits)
        self._keep(key, answer, verdict)
        return verdict

    def judge_plan(self, case: Case, plan_json: Path, files: Verdict | None = None) -> Verdict:
        """What the policies say of a plan, given as the file that holds its JSON.

        `files` is the verdict on the root that was planned. It decides where the plan does not know
        a value yet: what is in a policy document, say, whose ARNs AWS has not made.

        Raises:
            ToolUnfit: the policies or the plan cannot be read.
        """
        catalogue = self.catalogue
        plan = read_plan(plan_json)
        configuration = read(case.files, var_files=case.var_files) if case.files else None
        with _as_terraform_prints_it(plan_json):
            key = self._key("plan", case, plan_digest(plan) + _digest(case))
            answer = self._kept(key)
            if answer is None:
                self.start()
            expected = instances(plan, configuration)
            types = {kind for about in catalogue.values() for kind in about.resources}
            trouble = [*case.missing, *incomplete(plan)]
            trouble += unaccounted(plan, types, with_files=bool(case.files))
            trouble += [why for _, why in other_makers(expected)]
            hits = in_plan(plan)  # while the worker is still at its import
        if not expected and not case.files:
            trouble.append("there is no resource in it: nothing was judged")
        if configuration:
            trouble += _unplanned(case, configuration, expected)
        if answer is None:
            answer = self._ask(expected, case.tier)
        judging = _Judging("plan", case, catalogue, answer, trouble, files)
        judging.expect(expected)
        verdict = judging.verdict(expected, hits)
        self._keep(key, answer, verdict)
        return verdict

    def judge_state(self, case: Case, state: Mapping[str, Any]) -> Verdict:
        """Whether a password stands in a state: the only question that a state answers.

        Raises:
            ToolUnfit: the policies cannot be read.
        """
        answer: Mapping[str, Any] = {"records": [], "errors": [], "loaded": list(self.catalogue)}
        judging = _Judging("state", case, self.catalogue, answer, [])
        with _as_terraform_prints_it(case.source):
            hits = in_state(state)
        return judging.verdict([], hits)

    def _key(self, subject: Subject, case: Case, digest: str) -> str:
        if self._cache is None:
            return ""
        return f"{subject}-{case.tier}-{digest}-{policies_digest(self._policies)}"

    def _kept(self, key: str) -> Mapping[str, Any] | None:
        return self._cache.get(key) if self._cache else None

    def _keep(self, key: str, answer: Mapping[str, Any], verdict: Verdict) -> None:
        if self._cache and not verdict.unjudged:
            self._cache.put(key, answer)

    def _ask(self, expected: Sequence[Instance], tier: str) -> Mapping[str, Any]:
        self.start()
        assert self._worker is not None  # noqa: S101 - start() sets it
        try:
            return self._worker.ask(expected, tier, patience_seconds=self._patience)
        except WorkerLost as error:
            self.stop()
            lost = f"the policy worker gave no answer: {error} (log: {self._log})"
            return {"records": [], "errors": [lost], "loaded": []}


@dataclass(slots=True)
class _Judging:
    """One answer of the worker, on its way to a verdict."""

    subject: Subject
    case: Case
    catalogue: Mapping[str, About]
    answer: Mapping[str, Any]
    unjudged: list[str]
    files: Verdict | None = None
    notices: list[str] = field(default_factory=list)
    _known: dict[tuple[str, str], list[Outcome]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for finding in self.files.findings if self.files else ():
            for place in {finding.resource, without_indexes(finding.resource)}:
                self._known.setdefault((finding.policy.id, place), []).append(finding.outcome)

    def expect(self, expected: Iterable[Instance]) -> None:
        """Compare the records with the pairs of a policy and a resource that there should be."""
        self.unjudged += self.answer["errors"]
        missing = set(REQUIRED) - self.catalogue.keys()
        self.unjudged += [f"{policy}: there is no such policy" for policy in sorted(missing)]
        absent = self.catalogue.keys() ^ set(self.answer["loaded"])
        self.unjudged += [f"{policy}: not loaded as declared" for policy in sorted(absent)]

        wanted = Counter(
            (about.id, instance.address)
            for instance in expected
            for about in self.catalogue.values()
            if about.applies_to(instance.type) and self.case.tier in about.tiers
        )
        given = Counter((record["policy"], record["resource"]) for record in self.answer["records"])
        for policy, address in sorted(wanted.keys() | given.keys()):
            if given[policy, address] == 0:
                self.unjudged.append(f"{policy} {address}: no record")
            elif wanted[policy, address] == 0:
                self.unjudged.append(
                    f"{policy} {address}: a record of nothing that was to be judged"
                )
            elif given[policy, address] > 1:
                self.unjudged.append(f"{policy} {address}: {given[policy, address]} records")
        if self.case.environment and self.subject == "files":
            judged_by = {policy for policy, _ in wanted}
            self.unjudged += [
                f"{about.id}: applies to nothing here, so nothing has been judged by it"
                for about in self.catalogue.values()
                if about.id in REQUIRED
                and about.id not in OPTIONAL | judged_by
                and self.case.tier in about.tiers
            ]

    def verdict(self, expected: Sequence[Instance], hits: Sequence[Hit]) -> Verdict:
        """The findings, those of the search for passwords put in and the waivers applied."""
        findings = [
            self._finding(record)
            for record in self.answer["records"]
            if record["policy"] in self.catalogue
        ]
        if PASSWORDS in self.catalogue:
            findings = self._with_hits(findings, expected, hits)
        before = self.files.findings if self.files else ()
        findings, notices = apply_waivers(
            findings, self.case.waivers, self.catalogue, self.case.today, before
        )
        # No plan tells of the backend: what its block does not say nothing decides later.
        self.unjudged += [
            self._undecided(finding)
            for finding in findings
            if finding.outcome is Outcome.DEFERRED
            and (self.case.strict or finding.resource.startswith(BACKEND))
        ]
        return Verdict(
            self.subject,
            self.case.name,
            self.case.source,
            tuple(sorted(findings, key=lambda finding: finding.order)),
            tuple(dict.fromkeys(map(masked, self.unjudged))),
            (*self.notices, *notices),
            self.case.root,
            {**self.catalogue, WAIVER.id: WAIVER},
            self.case.tier,
            self.case.var_files,
        )

    def _undecided(self, finding: Finding) -> str:
        said = f"{finding.policy.id} {finding.resource}: {finding.message}"
        if finding.file is None:
            return said
        return f"{self.case.place(finding.file, finding.line or 1)}: {said}"

    def _finding(self, record: Mapping[str, Any]) -> Finding:
        about = self.catalogue[record["policy"]]
        outcome, message = self._outcome(record)
        dotted = record["setting"] or next(iter(about.settings), None)
        setting = self._setting(dotted, record["resource"])
        remedy = None
        value = about.remedy if record["remedy"] is None else record["remedy"]
        if outcome is Outcome.FAILED and setting and value is not None:
            remedy = Remedy(setting.origin.path, value, here=about.tiers != TIERS)
        file, line = record["file"], record["line"]
        message, place = masked(message), masked(record["resource"])
        return Finding(about, place, outcome, message, file, line, setting, remedy)

    def _outcome(self, record: Mapping[str, Any]) -> tuple[Outcome, str]:
        """A value that this point does not know is decided at the other one, or fails the plan."""
        message = record["message"]
        if record["decision"] != "unknown":
            return Outcome(record["decision"]), message
        if self.subject == "files":
            return Outcome.DEFERRED, message
        same = self._of_files(record["policy"], record["resource"])
        if same and set(same) <= {Outcome.PASSED, Outcome.WAIVED, Outcome.KNOWN}:
            return Outcome.PASSED, f"{message} yet; the files decide it"
        if self.files is None:
            return Outcome.FAILED, f"{message} before apply; judge it with its files: --path DIR"
        return Outcome.FAILED, f"{message}, neither in the plan nor in the files"

    def _of_files(self, policy: str, resource: str) -> list[Outcome]:
        """What the files say of a resource, or of what stands there for all its instances."""
        exact = self._known.get((policy, resource))
        return exact or self._known.get((policy, without_indexes(resource)), [])

    def _setting(self, dotted: str | None, resource: str) -> Setting | None:
        """A setting; of those that resources are made of by key, the entry of this resource."""
        environment = self.case.environment
        if environment is None or dotted is None:
            return None
        path = tuple(dotted.split("."))
        value = environment.value(*path)
        entries = value if isinstance(value, Mapping) else {}
        own = [key for key in _KEY.findall(resource) if key in entries]
        return _described(environment, (*path, *own[:1]))

    def _with_hits(
        self, findings: list[Finding], expected: Sequence[Instance], hits: Sequence[Hit]
    ) -> list[Finding]:
        """A hit fails the record of its resource; one outside all resources is a finding itself."""
        about = self.catalogue[PASSWORDS]
        declared = {instance.address: instance.declared for instance in expected}
        in_file: dict[tuple[str, str], set[str]] = {}
        for instance in expected:
            name = ".".join(instance.declared.split(".")[-2:])
            for written in {instance.file, *instance.overridden.values()}:
                in_file.setdefault((written, name), set()).add(instance.declared)
        at: dict[str, list[int]] = {}
        for number, finding in enumerate(findings):
            if finding.policy.id == PASSWORDS:
                for known in {finding.resource, declared.get(finding.resource, finding.resource)}:
                    at.setdefault(known, []).append(number)
        with_line: set[int] = set()
        for hit in hits:
            place = masked(hit.place) or f"environment {self.case.name}"
            places = {place, *in_file.get((hit.file or "", place), ())}
            same = sorted({number for each in places for number in at.get(each, ())})
            if not same:
                same = at[place] = [len(findings)]
                findings.append(Finding(about, place, Outcome.PASSED, "", hit.file))
            for number in same:
                old = findings[number]
                said = old.message if old.outcome is Outcome.FAILED else ""
                old = replace(old, outcome=Outcome.FAILED, message=told(said, hit, old.file))
                if number not in with_line and (hit.line is not None or hit.path):
                    with_line.add(number)
                    setting = self._setting_of(hit)
                    old = replace(old, file=hit.file, line=hit.line, setting=setting)
                findings[number] = old
        return findings

    def _setting_of(self, hit: Hit) -> Setting | None:
        environment = self.case.environment
        if environment is None:
            return None
        if hit.path:
            return Setting(environment.origin(*hit.path))
        if hit.file is not None and hit.line is not None and self.case.rendered:
            origins = self.case.rendered.origins(hit.file, hit.line)
            return next((Setting(origin) for origin in origins), None)
        return None


def _described(environment: "Environment", path: tuple[str | int, ...]) -> Setting:
    """A setting as findings show it. Maps and lists are not shown: only their place is."""
    origin: Origin = environment.origin(*path)
    value = environment.value(*path)
    text = None
    if isinstance(value, bool | int) or value is None:
        text = json.dumps(value)
    elif not isinstance(value, (Mapping, tuple)) and not hasattr(type(value), "model_fields"):
        text = shown(str(value), path)
    return Setting(origin, text, environment.meaning(*path))


def _unplanned(case: Case, configuration: Configuration, planned: Sequence[Instance]) -> list[str]:
    """The resources that the files have and the plan has not: it is a plan of something else."""
    there = {instance.declared for instance in planned}
    return [
        f"{case.place(instance.file, instance.line)}: {instance.address}: "
        "in the files, but not in the plan"
        for instance in configuration.instances
        if instance.mode == "managed" and instance.known and instance.declared not in there
    ]


def _not_given(case: Case, configuration: Configuration) -> Iterator[str]:
    """What Terraform may be given or not: nobody said so."""
    for file, names in configuration.open_variables.items():
        variables = ", ".join(f"var.{name}" for name in names)
        where = os.path.normpath(case.root / file) if case.root else file
        yield (
            f"{where} sets {variables}: not known here, as Terraform may be given the file or not; "
            f"--var-file {where} says that it is"
        )


@contextmanager
def _as_terraform_prints_it(file: Path) -> Iterator[None]:
    """Somebody else's plan or state may be anything: what Terraform never prints is refused.

    Raises:
        ToolUnfit: something in it is not of the kind that it should be.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ToolUnfit(
            f"{file}: not as Terraform prints it: {type(error).__name__}",
            hint="make it anew with terraform show -json",
        ) from error


def _digest(case: Case) -> str:
    total = sha256(repr(case.var_files).encode())
    for name in sorted(case.files):
        text = case.files[name].encode()
        total.update(f"{name}\0{len(text)}\0".encode() + text)
    return total.hexdigest()
