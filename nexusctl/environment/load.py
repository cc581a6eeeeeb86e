"""Environment files → validated environments."""

import difflib
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from hashlib import sha256
from pathlib import Path

from nexusctl.environment.document import MAX_BYTES, Document, parse
from nexusctl.environment.environment import Environment
from nexusctl.environment.model import ENVIRONMENT_NAME, Header
from nexusctl.environment.problem import EnvironmentProblems, Problem, quoted
from nexusctl.environment.tree import Node, merge
from nexusctl.environment.validate import check_header, check_settings
from nexusctl.errors import EnvironmentInvalid

LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Listed:
    """An environment file as a list shows it: readable, but its settings not judged.

    `problem` is why the file cannot be read; then the header is not known.
    """

    name: str
    file: Path
    abstract: bool = False
    extends: str | None = None
    problem: EnvironmentInvalid | None = None


def load(name: str, directory: Path) -> Environment:
    """The environment `name` from `directory`, merged with what it extends.

    Raises:
        EnvironmentInvalid: there is no such environment, it is abstract, or a file cannot be read.
        EnvironmentProblems: the files are wrong; all that is wrong is told at once.
    """
    chain = _chain(name, directory)
    files = tuple(file.path for file in chain)
    if chain[0].header.abstract:
        abstract = chain[0].document.root.find(("abstract",))
        raise EnvironmentInvalid(
            f"{name} is abstract: other environments extend it, it is none itself",
            hint=_others(name, directory),
            location=abstract.location if abstract else None,
        )
    tree = reduce(lambda above, below: merge(below, above), (file.body for file in chain))
    result = check_settings(tree, name, files)
    problems = [problem for file in chain for problem in file.document.problems]
    if isinstance(result, list):
        refused = {problem.location for problem in problems}
        sources = {file.path: file.document.source for file in chain}
        problems += [
            sources[problem.location.file].illustrate(problem)
            for problem in result
            if problem.location not in refused
        ]
    if problems or isinstance(result, list):
        raise EnvironmentProblems(_sorted(problems, files))
    origins = {path: node.location for path, node in tree.walk() if path}
    digests = {str(file.path): file.digest for file in chain}
    return Environment(name, result, origins, files, digests)


def names(directory: Path) -> tuple[str, ...]:
    """The names of all environment files in `directory`, abstract ones too.

    Raises:
        EnvironmentInvalid: the directory cannot be read.
    """
    try:
        stems = sorted(path.stem for path in directory.iterdir() if path.suffix == ".yaml")
    except OSError as error:
        raise EnvironmentInvalid(
            f"cannot read the directory {directory}: {error.strerror}",
            hint="environment files live in the project's directory environments/",
        ) from error
    return tuple(stem for stem in stems if ENVIRONMENT_NAME.holds(stem))


def listing(directory: Path) -> tuple[Listed, ...]:
    """All environment files in `directory`, by name; none is judged.

    Raises:
        EnvironmentInvalid: the directory cannot be read.
    """
    return tuple(_listed(name, directory) for name in names(directory))


def _listed(name: str, directory: Path) -> Listed:
    try:
        file = _read(directory / f"{name}.yaml")
    except EnvironmentInvalid as problem:
        return Listed(name, directory / f"{name}.yaml", problem=problem)
    return Listed(name, file.path, abstract=file.header.abstract, extends=file.header.extends)


@dataclass(frozen=True, slots=True)
class _File:
    """A document, taken apart: what it says of itself, and the settings."""

    document: Document
    header: Header
    body: Node
    digest: str

    @property
    def path(self) -> Path:
        return self.document.source.file


def _chain(name: str, directory: Path) -> list[_File]:
    """The file of an environment and those it extends, nearest first."""
    chain = [_read(_locate(name, directory))]
    while (extends := chain[-1].header.extends) is not None:
        before = [file.path.stem for file in chain]
        if extends in before:
            circle = " → ".join([*before[before.index(extends) :], extends])
            raise _bad_extends(chain[-1], f"environments extend each other: {circle}", _OPEN_CIRCLE)
        try:
            path = _locate(extends, directory)
        except EnvironmentInvalid as error:
            raise _bad_extends(chain[-1], error.message, error.hint) from error
        chain.append(_read(path))
    return chain


_OPEN_CIRCLE = "remove one of these extends"


def _bad_extends(file: _File, message: str, hint: str | None) -> EnvironmentProblems:
    place = file.document.root.nearest(("extends",)).location
    problem = file.document.source.illustrate(Problem(place, message, hint))
    return EnvironmentProblems(_sorted([*file.document.problems, problem], (file.path,)))


def _sorted(problems: Iterable[Problem], files: Sequence[Path]) -> list[Problem]:
    return sorted(
        problems,
        key=lambda problem: (files.index(problem.location.file), problem.location, problem.message),
    )


def _locate(name: str, directory: Path) -> Path:
    """The file of an environment."""
    if not ENVIRONMENT_NAME.holds(name) or len(name) > LONGEST_NAME:
        raise EnvironmentInvalid(
            f'"{quoted(name)}" cannot be an environment: its name must be {ENVIRONMENT_NAME.words}'
            f" ({LONGEST_NAME} at most)",
            hint=_others(name, directory),
        )
    path = directory / f"{name}.yaml"
    if not os.path.lexists(path):
        hint = _others(name, directory)
        if path.with_suffix(".yml").exists():
            hint = f"rename {name}.yml to {name}.yaml"
        raise EnvironmentInvalid(f"there is no environment {name} in {directory}", hint=hint)
    return path


def _read(path: Path) -> _File:
    try:
        if not path.resolve(strict=True).is_relative_to(path.parent.resolve()):
            raise EnvironmentInvalid(
                f"{path} is a link to a file outside {path.parent}",
                hint="copy the file into the directory",
            )
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise EnvironmentInvalid(
                f"{path} is not a file", hint="an environment is a YAML file: NAME.yaml"
            )
        return _parsed(path, (status.st_ino, status.st_mtime_ns, status.st_size))
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links, until Python 3.12
        reason = error.strerror if isinstance(error, OSError) else "it is a link to itself"
        raise EnvironmentInvalid(
            f"cannot read {path}: {reason}", hint="check the file and its permissions"
        ) from error


@lru_cache(maxsize=64)
def _parsed(path: Path, _version: tuple[int, ...]) -> _File:
    """A file in one version; many environments extend the same base."""
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    document = parse(data, path)
    head, body = document.root.split(frozenset(Header.model_fields))
    header = check_header(head)
    if isinstance(header, Header):
        return _File(document, header, body, sha256(data).hexdigest())
    found = map(document.source.illustrate, header)
    raise EnvironmentProblems(_sorted([*document.problems, *found], (path,)))


def _others(name: str, directory: Path) -> str:
    concrete = [entry.name for entry in listing(directory) if not entry.abstract]
    nearest = difflib.get_close_matches(name.lower(), concrete, 1)
    if nearest:
        return f"did you mean {nearest[0]}?"
    return f"environments here: {', '.join(concrete) or 'none'}"
