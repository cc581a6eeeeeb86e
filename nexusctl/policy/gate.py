"""The gate: a rendered root or a plan in, a verdict out. It fails closed.

What must be judged is counted here, from the files and the plan themselves. What the worker says
is compared with that: each (policy, resource) needs exactly one record, and whatever is missing,
doubled, or went wrong on the way is in the verdict as unjudged.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nexusctl.environment.origin import Origin
from nexusctl.policy.cache import AnswerCache
from nexusctl.policy.catalogue import REQUIRED, About, read_catalogue
from nexusctl.policy.client import Worker, WorkerLost
from nexusctl.policy.planned import incomplete, managed, plan_digest, read_plan, without_indexes
from nexusctl.policy.search import Hit, in_files, in_plan, in_settings
from nexusctl.policy.source import Declared, Malformed, declared
from nexusctl.policy.verdict import Finding, Verdict
from nexusctl.render.rendered import Rendered

if TYPE_CHECKING:
    from nexusctl.environment.environment import Environment

PASSWORDS = "NEXUS_NO_HARDCODED_PASSWORD"
_TERRAFORM_READS = (".tf", ".tf.json", ".tfvars", ".tfvars.json", ".tofu")


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
        self._cache = AnswerCache(cache) if cache else None
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
        self._stop()

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
            self._stop()
            self._worker = Worker(self._policies, self._log)

    def judge_rendered(
        self, directory: Path, rendered: Rendered, environment: "Environment"
    ) -> Verdict:
        """What the policies say of the root that `rendered` was written to.

        Raises:
            ToolUnfit: the policies cannot be read.
        """
        catalogue = self.catalogue
        trouble = _strangers(directory, rendered)
        resources: list[Declared] = []
        hits = in_settings(environment.settings.model_dump())
        try:
            resources = declared(rendered.files)
            hits += in_files(rendered.files)
        except Malformed as error:
            trouble.append(str(error))

        def judge(answer: Mapping[str, Any]) -> Verdict:
            judged = _Judged(catalogue, rendered, environment, resources, answer, trouble)
            judged.expect(
                ((resource.address, resource.type) for resource in resources), instances=False
            )
            return judged.verdict("rendered", hits)

        return self._judge("rendered", directory, rendered.digest, judge, cached=not trouble)

    def judge_plan(
        self, plan_json: Path, rendered: Rendered, environment: "Environment"
    ) -> Verdict:
        """What the policies say of a plan, given as the file that holds its JSON.

        Raises:
            ToolUnfit: the policies or the plan cannot be read.
        """
        catalogue = self.catalogue
        plan = read_plan(plan_json)
        trouble = incomplete(plan)
        resources: list[Declared] = []
        try:
            resources = declared(rendered.files)
        except Malformed as error:
            trouble.append(str(error))

        def judge(answer: Mapping[str, Any]) -> Verdict:
            judged = _Judged(catalogue, rendered, environment, resources, answer, trouble)
            judged.expect(
                ((resource.address, resource.type) for resource in managed(plan)), instances=True
            )
            return judged.verdict("plan", in_plan(plan))

        return self._judge("plan", plan_json, plan_digest(plan), judge, cached=not trouble)

    def _judge(
        self,
        subject: str,
        path: Path,
        digest: str,
        judge: Callable[[Mapping[str, Any]], Verdict],
        *,
        cached: bool,
    ) -> Verdict:
        """The verdict on a kept answer, or else on a new one, which is then kept."""
        key = self._cache.key(subject, digest, self._policies) if self._cache else ""
        kept = self._cache.get(key) if self._cache and cached else None
        if kept is not None:
            return judge(kept)
        answer = self._ask(subject, path)
        verdict = judge(answer)
        if self._cache and not verdict.unjudged:
            self._cache.put(key, answer)
        return verdict

    def _ask(self, subject: str, path: Path) -> Mapping[str, Any]:
        self.start()
        assert self._worker is not None  # noqa: S101 - start() sets it
        try:
            return self._worker.ask(subject, path, patience_seconds=self._patience)
        except WorkerLost as error:
            self._stop()
            lost = f"the policy worker gave no answer: {error} (log: {self._log})"
            return {"records": [], "unknowns": [], "errors": [lost], "loaded": []}

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


@dataclass(slots=True)
class _Judged:
    """One answer of the worker, on its way to a verdict."""

    catalogue: Mapping[str, About]
    rendered: Rendered
    environment: "Environment"
    resources: list[Declared]
    answer: Mapping[str, Any]
    unjudged: list[str]
    deferred: tuple[str, ...] = ()

    def expect(self, expected: Iterable[tuple[str, str]], *, instances: bool) -> None:
        """Compare the records with the pairs there should be.

        A plan tells the `instances`. In HCL a repeated resource is declared once and recorded for
        each instance that checkov could work out, which may be none: that is left to the plan.
        """
        self.unjudged += self.answer["errors"]
        missing = set(REQUIRED) - self.catalogue.keys()
        self.unjudged += [f"{policy}: there is no such policy" for policy in sorted(missing)]
        absent = self.catalogue.keys() ^ set(self.answer["loaded"])
        self.unjudged += [f"{policy}: not loaded as declared" for policy in sorted(absent)]

        unknown = {(policy, address): why for policy, address, why in self.answer["unknowns"]}
        records = [(record["policy"], record["resource"]) for record in self.answer["records"]]
        counted = Counter([*records, *unknown])
        repeated = {item.address for item in self.resources if item.repeated and not instances}
        recorded = {(policy, without_indexes(address)) for policy, address in counted}
        deferred = [f"{policy} {address}: {why}" for (policy, address), why in unknown.items()]
        for address, kind in expected:
            for policy in (about.id for about in self.catalogue.values() if about.applies_to(kind)):
                pair = (policy, address)
                if counted[pair] or (address in repeated and pair in recorded):
                    continue
                if address in repeated:
                    deferred.append(f"{policy} {address}: its instances are not known")
                else:
                    self.unjudged.append(f"{policy} {address}: no record")
        self.unjudged += [
            f"{policy} {address}: {count} records"
            for (policy, address), count in counted.items()
            if count > 1
        ]
        self.deferred = tuple(sorted(deferred))

    def verdict(self, subject: Any, hits: list[Hit]) -> Verdict:
        """The findings, those of the search for passwords put in."""
        findings = [
            self._finding(record)
            for record in self.answer["records"]
            if record["policy"] in self.catalogue
        ]
        if PASSWORDS in self.catalogue:
            findings = self._with_hits(findings, hits)
        findings.sort(key=lambda finding: (finding.passed, finding.policy, finding.resource))
        return Verdict(subject, tuple(findings), tuple(self.unjudged), self.deferred)

    def _finding(self, record: Mapping[str, Any]) -> Finding:
        about = self.catalogue[record["policy"]]
        file, line = record["file"], record["line"]
        if file is None:
            file, line = self._place(record["resource"])
        return Finding(
            policy=about.id,
            severity=about.severity,
            resource=record["resource"],
            passed=record["passed"],
            message=record["message"],
            fix=about.fix,
            file=file,
            line=line,
            origin=self._origin(about),
        )

    def _place(self, address: str) -> tuple[str | None, int | None]:
        """The header of the resource in the rendered root: a plan has no lines."""
        plain = without_indexes(address)
        for item in self.resources:
            if item.address == plain:
                return item.file, item.line
        return None, None

    def _origin(self, about: About) -> Origin | None:
        return self.environment.origin(*about.setting.split(".")) if about.setting else None

    def _with_hits(self, findings: list[Finding], hits: list[Hit]) -> list[Finding]:
        """A hit fails the record of its resource; one outside all resources is a finding itself."""
        about = self.catalogue[PASSWORDS]
        for hit in hits:
            origin = self._origin_of(hit)
            message = str(hit.literal)
            places = {hit.place} | {
                item.address
                for item in self.resources
                if item.file == hit.file and item.address.endswith(hit.place)
            }
            same = [
                number
                for number, finding in enumerate(findings)
                if finding.policy == PASSWORDS
                and not places.isdisjoint({finding.resource, without_indexes(finding.resource)})
            ]
            for number in same:
                old = findings[number]
                if old.passed:
                    old = replace(old, passed=False, message=message)
                elif message not in old.message and hit.file is None:
                    old = replace(old, message=f"{old.message}; {message}")
                if hit.line is not None:
                    old = replace(old, file=hit.file, line=hit.line, origin=origin)
                findings[number] = old
            if not same:
                findings.append(
                    Finding(
                        policy=PASSWORDS,
                        severity=about.severity,
                        resource=hit.place or f"environment {self.environment.name}",
                        passed=False,
                        message=message,
                        fix=about.fix,
                        file=hit.file,
                        line=hit.line,
                        origin=origin,
                    )
                )
        return findings

    def _origin_of(self, hit: Hit) -> Origin | None:
        if hit.path:
            return self.environment.origin(*hit.path)
        if hit.file is not None and hit.line is not None:
            return next(iter(self.rendered.origins(hit.file, hit.line)), None)
        return None


def _strangers(directory: Path, rendered: Rendered) -> list[str]:
    """What Terraform would read in the directory and the renderer did not write."""
    found = []
    for name in sorted(rendered.files):
        file = directory / name
        if not file.is_file() or file.read_bytes() != rendered.files[name].encode():
            found.append(f"{name} is not as it was rendered")
    for file in sorted(directory.rglob("*")):
        name = file.relative_to(directory).as_posix()
        read = name.endswith(_TERRAFORM_READS) and not name.startswith(".terraform/")
        if read and name not in rendered.files:
            found.append(f"{name} was not rendered, but Terraform reads it")
    return found
