"""The files of a Terraform root that nobody here wrote: what Terraform would read, and no more."""

import os
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

from nexusctl.configuration.declarations import is_ignored
from nexusctl.configuration.sources import MODULES_JSON, fetched
from nexusctl.errors import UsageWrong

# Terraform's own files, and what templatefile() and file() mostly read.
_TERRAFORM = (".tf", ".tf.json", ".tfvars", ".tfvars.json", ".tofu", ".tofu.json")
_READ = (
    *(*_TERRAFORM, ".tfbackend", ".hcl", ".tftpl", ".tpl", ".tmpl", ".sh", ".sql", ".pem"),
    *(".yaml", ".yml", ".json", ".conf", ".cfg", ".ini", ".env", ".service", ".ps1"),
    *(".properties", ".toml", ".cnf", ".j2", ".key", ".tfstate", ".tfstate.backup"),
    *(".netrc", ".pgpass", "id_rsa", "id_ed25519", "Dockerfile", "env.prod"),
)
# What published modules have beside what their callers use.
_UNUSED = frozenset({"docs", "examples", "test", "tests", "wrappers"})
_MAX_BYTES = 1 << 20
_MAX_FILES = 5_000
_MAX_DIRECTORIES = 20_000
_LOCAL_SOURCE = re.compile(r"\bsource\"?\s*[=:]\s*\"(\.\.?/[^\"]*)\"")


def read_root(directory: Path, var_files: Sequence[Path] = ()) -> tuple[dict[str, str], list[str]]:
    """The files of the root in `directory` and of the modules it calls, by path from there.

    Of the modules those that lie beside it, and those that terraform init has fetched into it;
    `var_files` wherever they lie. Also what stood in the way: a file that is too large, not UTF-8
    or a link out of the project. Whatever else lies in hidden directories (`.terraform`) is left
    out.

    Raises:
        UsageWrong: there is no Terraform configuration in the directory.
    """
    if not any(is_configuration(file.name) for file in directory.glob("*")):
        raise UsageWrong(
            f"--path {directory}: no Terraform configuration in it",
            hint="name a directory with .tf files: the root module",
        )
    files: dict[str, str] = {}
    missing: list[str] = []
    project = _project(directory)
    for file in var_files:
        # Whoever names it means what the link leads to.
        _read(file.resolve(), path_from(directory, file), files, missing, project)
    published = _fetched(directory, files, missing, project)
    todo, done = [".", *published], set[str]()
    while todo:
        module = todo.pop()
        if module in done:
            continue
        done.add(module)
        inside = any(f"{module}/".startswith(f"{each}/") for each in published)
        found = _module(directory, module, missing, project, published=inside)
        if len(files) + len(found) > _MAX_FILES:
            missing.append(f"more than {_MAX_FILES} files: the rest was not read")
            break
        files |= found
        for name, text in found.items():
            if is_configuration(name):
                here = posixpath.dirname(name)
                todo += [
                    posixpath.normpath(posixpath.join(here, source))
                    for source in _LOCAL_SOURCE.findall(text)
                ]
    return files, missing


def is_configuration(file: str) -> bool:
    """Whether Terraform reads a file as configuration."""
    return file.endswith((".tf", ".tf.json")) and not is_ignored(file)


def path_from(directory: Path, file: Path) -> str:
    """The path of a file from a root."""
    return Path(os.path.relpath(file, directory)).as_posix()


def _fetched(root: Path, files: dict[str, str], missing: list[str], project: Path) -> list[str]:
    """The directories of the modules that terraform init has put into the root.

    Its list of them is read as if it were in `.terraform`, wherever TF_DATA_DIR has it.
    """
    modules = root / (os.environ.get("TF_DATA_DIR") or ".terraform") / "modules"
    path = path_from(root, modules)
    if path.startswith("../") or not (modules / "modules.json").exists():
        return []
    _read(modules / "modules.json", MODULES_JSON, files, missing, project)
    try:
        listed = fetched(files.get(MODULES_JSON, '{"Modules": []}'))
    except ValueError:  # whoever reads the configuration says so
        return []
    inside = {each.directory for each in listed.values() if each.directory.startswith(f"{path}/")}
    links = {each for each in inside if (root / each).resolve() != root.resolve() / each}
    missing += [f"{root / each}: not read: it is a link" for each in sorted(links)]
    return sorted(inside - links)


def _module(
    root: Path, module: str, missing: list[str], project: Path, *, published: bool
) -> dict[str, str]:
    """The files of a module, those in directories below it included.

    Of a published one only what a call of it uses: what it calls itself is a module of its own.
    """
    found: dict[str, str] = {}
    for number, (place, directories, names) in enumerate(os.walk(root / module)):
        if number > _MAX_DIRECTORIES or len(found) > _MAX_FILES:
            missing.append(
                f"{os.path.normpath(root / module)}: not all of it read: too much is in it"
            )
            break
        directories[:] = sorted(
            each
            for each in directories
            if not each.startswith(".") and not (published and each in _UNUSED)
        )
        below = published and Path(place) != root / module
        for name in sorted(names):
            if name.endswith(_READ) and not (below and name.endswith(_TERRAFORM)):
                file = Path(place, name)
                path = posixpath.join(module, file.relative_to(root / module).as_posix())
                _read(file, posixpath.normpath(path), found, missing, project)
    return found


def _project(directory: Path) -> Path:
    """The work tree of git that a directory lies in; without git the directory above it."""
    here = directory.resolve()
    return next((each for each in (here, *here.parents) if (each / ".git").exists()), here.parent)


def _read(file: Path, path: str, into: dict[str, str], missing: list[str], project: Path) -> None:
    try:
        if not file.is_file():
            why = "it is not a file"
        elif file.is_symlink() and not file.resolve().is_relative_to(project):
            why = "it is a link out of the project"
        elif file.stat().st_size > _MAX_BYTES:
            why = "it is larger than 1 MiB"
        else:
            into[path] = file.read_text("utf-8")
            return
    except OSError as error:
        why = str(error.strerror)
    except UnicodeDecodeError:
        why = "it is not UTF-8 text"
    missing.append(f"{os.path.normpath(file)}:1: not read: {why}")
