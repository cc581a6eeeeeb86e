"""Where the modules lie that are called: beside the caller, or where terraform init put them."""

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from nexusctl.configuration import tree
from nexusctl.configuration.declarations import Declarations, Declared, Problem, resolve

# Where terraform init lists the modules it has fetched.
MODULES_JSON = ".terraform/modules/modules.json"
_REGISTRY = "registry.terraform.io"
_PART = r"[0-9A-Za-z][\w-]*"
_OF_REGISTRY = re.compile(
    rf"(?:(?P<host>[\w-]+(?:\.[\w-]+)+(?::\d+)?)/)?(?P<name>{_PART}/{_PART}/[0-9a-z]+)(?P<inside>//.*)?"
)
_OF_GITHUB = re.compile(
    r"(?P<host>github\.com|bitbucket\.org)/(?P<name>[^/]+/[^/?]+?)(?:\.git)?"
    r"(?P<inside>//[^?]*)?(?P<query>\?.*)?"
)
_OF_SSH = re.compile(r"(?P<user>[\w.-]+@[\w.-]+):(?P<path>.*)")
_CONSTRAINT = re.compile(r"\s*(?P<operator>=|!=|>=|<=|>|<|~>)?\s*v?(?P<version>[\d.]+)\s*")


class NotHere(Exception):
    """The files of a module are not at hand."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A module that terraform init has fetched. `directory` is relative to the root."""

    source: str
    version: str | None
    directory: str


def fetched(manifest: str) -> dict[str, Fetched]:
    """What modules.json lists, by the names on the way to the module: `a.b` is called by `a`.

    Raises:
        ValueError: it is not as terraform init writes it.
    """
    try:
        return {
            each["Key"]: Fetched(
                str(each["Source"]), each.get("Version"), posixpath.normpath(each["Dir"])
            )
            for each in json.loads(manifest)["Modules"]
            if each["Key"]
        }
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(type(error).__name__) from None


class Sources:
    """The modules among the files of a root."""

    def __init__(self, files: Mapping[str, str], directories: Mapping[str, Declarations]) -> None:
        self.problems: list[Problem] = []
        self._directories = directories
        self._fetched: Mapping[str, Fetched] = {}
        if MODULES_JSON in files:
            try:
                self._fetched = fetched(files[MODULES_JSON])
            except ValueError:
                message = "not as terraform init writes it"
                self.problems.append(Problem(MODULES_JSON, 1, message))

    def find(self, names: str, caller: str, call: Declared) -> str:
        """The directory of a module that is called in the directory `caller`.

        `names` are those of the calls that lead to it, joined with dots.

        Raises:
            NotHere: it is not among the files, or what was fetched is another one.
        """
        source, version = (_literal(call, name) for name in ("source", "version"))
        if not source:
            raise NotHere("its source is no text")
        if source.startswith(("./", "../")):
            directory = resolve(self._directories, caller, source)
            if directory is None:
                raise NotHere("its source is no directory among the files")
            return directory
        found = self._fetched.get(names)
        if found is None or found.directory not in self._directories:
            raise NotHere(f"{source} is not here: run terraform init, or judge its plan")
        if found.source != _normal(source) or not _fits(found.version, version):
            raise NotHere("another one was fetched: run terraform init again, or judge its plan")
        return found.directory


def _literal(call: Declared, name: str) -> str | None:
    attribute = call.body.attributes.get(name)
    if attribute is None or not isinstance(attribute.value, tree.Literal):
        # Not a version that everything fits.
        return "" if attribute else None
    return str(attribute.value.value)


def _normal(source: str) -> str:
    """A source as modules.json has it."""
    if match := _OF_GITHUB.fullmatch(source):
        inside, query = match["inside"] or "", match["query"] or ""
        return f"git::https://{match['host']}/{match['name']}.git{inside}{query}"
    if match := _OF_REGISTRY.fullmatch(source):
        host = (match["host"] or _REGISTRY).lower()
        return f"{host}/{match['name']}{match['inside'] or ''}"
    if match := _OF_SSH.fullmatch(source):
        return f"git::ssh://{match['user']}/{match['path']}"
    return source


def _fits(version: str | None, constraints: str | None) -> bool:
    """Whether a version is what a call asks for; a pre-release only where it is asked for itself.

    https://developer.hashicorp.com/terraform/language/expressions/version-constraints
    """
    if constraints is None:
        return True
    if version is None:
        return False
    if constraints.strip().removeprefix("=").strip() == version:
        return True
    found = re.fullmatch(r"\d+(\.\d+)*", version)
    return found is not None and all(_fits_one(version, each) for each in constraints.split(","))


def _fits_one(version: str, constraint: str) -> bool:
    match = _CONSTRAINT.fullmatch(constraint)
    if match is None:
        return False
    wanted = [int(part) for part in match["version"].split(".") if part]
    width = max(3, len(wanted))
    has, limit = _padded([int(part) for part in version.split(".")], width), _padded(wanted, width)
    match match["operator"]:
        case None | "=":
            return has == limit
        case "!=":
            return has != limit
        case ">":
            return has > limit
        case ">=":
            return has >= limit
        case "<":
            return has < limit
        case "<=":
            return has <= limit
        case _:
            fixed = max(len(wanted) - 1, 1)
            return has >= limit and has[:fixed] == limit[:fixed]


def _padded(numbers: list[int], width: int) -> list[int]:
    return numbers + [0] * (width - len(numbers))
