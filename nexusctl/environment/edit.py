"""Sets single values in environment files; every comment and all formatting stays as it is.

An edit replaces, inserts or cuts the few characters that it is about. Whether it was right is not
left to the care taken here: the new text is read again, and has to mean what the old text meant,
with exactly that one change. Whatever would not come out so is refused.
"""

import difflib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from nexusctl.environment import credentials
from nexusctl.environment.document import Document, parse
from nexusctl.environment.environment import Environment
from nexusctl.environment.model import Header
from nexusctl.environment.origin import Origin
from nexusctl.environment.problem import EnvironmentProblems, fit_for_terminal, quoted
from nexusctl.environment.tree import ValuePath

Value: TypeAlias = str | int | bool | None

_HEADER = frozenset(Header.model_fields)
_STEP = 2  # of indentation, where a file shows none

_LINE = re.compile(r"[^\r\n]*(\r\n|\r|\n)?")  # the rest of a line, with its end
_LINE_END = re.compile(r"\r\n|\r|\n")
_NO_MORE = re.compile(r"[ \t]*(#[^\r\n]*)?(\r\n|\r|\n)")  # a rest of a line without values
_COMMENT = re.compile(r"([ \t]+#[^\r\n]*)?")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t]*")
_COLON = re.compile(r"[ \t]*:")


class CannotEdit(Exception):
    """An edit that was not made, because it would not be safe or has no meaning.

    The message says what stands in the way; it is fit for a terminal and holds no credential.
    """


@dataclass(frozen=True, slots=True)
class Change:
    """One value to set. None removes the entry or list item.

    Without `here` the value changes where it was written, which may be a file that the environment
    extends, or is added to the environment's own file if nobody wrote it. With `here` it is set in
    the environment's own file, whatever was inherited.
    """

    path: ValuePath
    value: Value
    here: bool


@dataclass(frozen=True, slots=True)
class Edit:
    """One file's whole text before and after. They are equal if nothing had to change."""

    file: Path
    before: str
    after: str

    def diff(self) -> str:
        """The unified diff; empty if nothing changes. It is fit for a terminal, credentials are
        masked (so it is to be read, not to be applied), and no line end follows the last line."""
        name = str(self.file)
        before, after = self.before.splitlines(), self.after.splitlines()
        lines = difflib.unified_diff(before, after, name, name, lineterm="")
        return "\n".join(line[0] + _shown(line[1:]) for line in lines)


def set_value(environment: Environment, path: ValuePath, value: Value, *, here: bool) -> Edit:
    """The edit that sets one value; nothing is written yet. `Change` says what the arguments mean.

    Raises:
        CannotEdit: the value cannot be set without touching anything else, or the files are not
            those any more from which `environment` was loaded.
    """
    (edit,) = set_values(environment, [Change(path, value, here)])
    return edit


def set_values(environment: Environment, changes: Sequence[Change]) -> list[Edit]:
    """The edits that make all `changes`, one for each file concerned; nothing is written yet.

    Paths are those of the files as they are: taking an item out of a list renames no other.

    Raises:
        CannotEdit: as `set_value`, or two changes contradict each other.
    """
    texts = _texts(environment)
    wanted: dict[Path, dict[ValuePath, Value]] = {}
    for change in changes:
        values = wanted.setdefault(_file(environment, change), {})
        if repr(values.setdefault(change.path, change.value)) != repr(change.value):
            raise CannotEdit(f"{_dotted(change.path)} cannot have two values at once")
    edits = []
    for file in sorted(wanted, key=environment.files.index):
        text = texts[file]
        for path, value in _in_order(wanted[file]):
            text = _edited(file, text, path, value)
        edits.append(Edit(file, texts[file], text))
    return edits


def write(edits: Iterable[Edit]) -> None:
    """Write the files. A write that is cut off leaves the old file or the new one, never a part.

    Raises:
        CannotEdit: a file is a link, was changed since the edit was made (then none is written),
            or cannot be written.
    """
    changed = [edit for edit in edits if edit.before != edit.after]
    for act in (_check_file, _replace_file):
        for edit in changed:
            try:
                act(edit)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise CannotEdit(f"cannot write {_name(edit.file)}: {reason}") from error


def _check_file(edit: Edit) -> None:
    if edit.file.is_symlink():
        raise CannotEdit(f"{_name(edit.file)} is a link; edit the file that it leads to")
    if edit.file.read_bytes() != edit.before.encode():
        raise _stale(edit.file)


def _replace_file(edit: Edit) -> None:
    file, content = edit.file, edit.after.encode()
    mode = stat.S_IMODE(file.stat().st_mode)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


# Which file


def _texts(environment: Environment) -> dict[Path, str]:
    """The texts of the environment's files, if they are those that it was loaded from."""
    texts = {}
    for file in environment.files:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise _stale(file) from error
        if sha256(data).hexdigest() != environment.digests.get(str(file)):
            raise _stale(file)
        texts[file] = data.decode()
    return texts


def _file(environment: Environment, change: Change) -> Path:
    """The file that a change belongs to."""
    path = change.path
    if not path or path[0] in _HEADER:
        raise CannotEdit(f"{_dotted(path) or 'the whole file'} is not a setting")
    if not change.here:
        for length in range(len(path), 0, -1):
            origin = environment.origins.get(path[:length])
            # A list is never merged: what is missing in an item can only be added where that is.
            if origin and (length == len(path) or isinstance(path[length - 1], int)):
                return origin.file
    return environment.files[0]


def _in_order(values: Mapping[ValuePath, Value]) -> list[tuple[ValuePath, Value]]:
    """Removals come last, and from the back, so that no index means another item meanwhile."""
    removals = [path for path, value in values.items() if value is None]
    removals.sort(key=lambda path: [(isinstance(part, int), part) for part in path], reverse=True)
    return [
        *((path, value) for path, value in values.items() if value is not None),
        *((path, None) for path in removals),
    ]


# One change to one text


@dataclass(frozen=True, slots=True)
class _Spot:
    """A node of a file's text. Unlike `tree.Node` it knows how it is written, and aliases from
    what they repeat.

    `end` is where the content ends: comments and blank lines behind it are not included.
    """

    kind: Literal["scalar", "list", "map", "alias"]
    start: int
    end: int
    style: str = ""  # of scalars: a quote, | or >
    flow: bool = False
    anchored: bool = False
    key: "_Spot | None" = None
    children: "dict[str | int, _Spot]" = field(default_factory=dict)


def _edited(file: Path, text: str, path: ValuePath, value: Value) -> str:
    """The text with one change, proven to be no other.

    Raises:
        CannotEdit: there is no such text.
    """
    before = parse(text.encode(), file).root
    node = before.find(path)
    if node and value is not None and repr(node.plain()) == repr(value):
        return text
    try:
        after = _changed(text, path, value)
        document = parse(after.encode(), file)
    except CannotEdit as error:
        raise CannotEdit(f"{_dotted(path)} in {_name(file)}: {error}") from error
    except (yaml.YAMLError, EnvironmentProblems, UnicodeEncodeError) as error:
        raise _unsafe(path, file, "the file could not be read any more") from error
    _prove(document, _expected(before.plain(), path, value), path, file)
    return after


def _prove(document: Document, expected: Any, path: ValuePath, file: Path) -> None:
    if document.problems:
        raise _unsafe(path, file, document.problems[0].message)
    # By repr, because 1 == True == 1.0 in Python.
    if repr(document.root.plain()) != repr(expected):
        raise _unsafe(path, file, "something else would change with it")


def _expected(tree: Any, path: ValuePath, value: Value) -> Any:
    """What a file must say after the change. A map that loses its last entry goes with it, unless
    it is the whole file or an item of a list."""
    part, rest = path[0], path[1:]
    is_map = isinstance(tree, dict)
    children: dict[str | int, Any] = dict(tree) if is_map else dict(enumerate(tree))
    if rest:
        children[part] = _expected(children.get(part, {}), rest, value)
    else:
        children[part] = value
    if value is None and (not rest or (is_map and children[part] == {})):
        del children[part]
    return children if is_map else tuple(children.values())


def _changed(text: str, path: ValuePath, value: Value) -> str:
    trail = [_spots(text)]
    for part in path:
        if part not in trail[-1].children:
            break
        trail.append(trail[-1].children[part])
    if any(spot.kind == "alias" for spot in trail):
        raise CannotEdit("it is an alias, or inside one")
    is_written = len(trail) > len(path)
    if value is None:
        if not is_written:
            raise CannotEdit("it is not written there, so it cannot be removed")
        return _removed(text, trail)
    if is_written:
        in_flow = any(spot.flow for spot in trail)
        return _replaced(text, trail[-1], value, in_flow)
    return _inserted(text, trail, path[len(trail) - 1 :], value)


def _spots(text: str) -> _Spot:
    # Always PyYAML's own parser: libyaml's marks differ in details.
    events = yaml.parse(text, Loader=yaml.SafeLoader)
    next(events)  # the start of the stream
    next(events)  # the start of the document
    return _spot(text, next(events), events, None)


def _spot(text: str, event: Any, events: Iterator[Any], key: _Spot | None) -> _Spot:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        return _Spot("alias", start, end, key=key)
    anchored = event.anchor is not None
    if isinstance(event, yaml.ScalarEvent):
        style = event.style or ""
        if style in ("|", ">"):  # the parser counts the blank lines behind it, too
            end = start + len(text[start:end].rstrip(" \t\r\n"))
        return _Spot("scalar", start, end, style, anchored=anchored, key=key)
    is_map = isinstance(event, yaml.MappingStartEvent)
    flow = bool(event.flow_style)
    children: dict[str | int, _Spot] = {}
    child = next(events)
    while not isinstance(child, yaml.CollectionEndEvent):
        if is_map:
            child_key = _spot(text, child, events, None)
            children[child.value] = _spot(text, next(events), events, child_key)
        else:
            children[len(children)] = _spot(text, child, events, None)
        child = next(events)
    closing: Any = child
    # The parser counts comments behind a block map or list, too.
    end = closing.end_mark.index if flow else list(children.values())[-1].end
    kind: Literal["map", "list"] = "map" if is_map else "list"
    return _Spot(kind, start, end, flow=flow, anchored=anchored, key=key, children=children)


# Replacing


def _replaced(text: str, spot: _Spot, value: str | int, in_flow: bool) -> str:
    if spot.kind != "scalar":
        raise CannotEdit(f"a {spot.kind} is written there, which is not replaced")
    if spot.anchored:
        raise CannotEdit("it has an anchor")
    if spot.style in ("|", ">") and "#" in text[spot.start : _line_end(text, spot.start)]:
        raise CannotEdit("a comment stands inside the value")
    new = _scalar(value, in_flow=in_flow, style=spot.style)
    gap = " " if spot.start == spot.end else ""  # nothing is written: `key:`
    return text[: spot.start] + gap + new + text[spot.end :]


def _scalar(value: str | int, *, in_flow: bool, style: str = "") -> str:
    """A value as YAML; a text keeps the quotes it had, and otherwise has them if it needs them."""
    if not isinstance(value, str):
        return json.dumps(value)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style == '"' or not _is_plain(value, f"{{k: {value}}}" if in_flow else f"k: {value}"):
        return json.dumps(value, ensure_ascii=False)
    return value


def _key(key: str, *, in_flow: bool) -> str:
    if _is_plain(key, f"{{{key}: k}}" if in_flow else f"{key}: k"):
        return key
    return json.dumps(key, ensure_ascii=False)


def _is_plain(text: str, sample: str) -> bool:
    """Whether `text` needs no quotes: `sample` is the map of it and the text k."""
    try:
        document = parse(sample.encode(), Path())
    except (EnvironmentProblems, UnicodeEncodeError):
        return False
    return not document.problems and document.root.plain() in ({"k": text}, {text: "k"})


# Inserting


def _inserted(text: str, trail: list[_Spot], missing: ValuePath, value: str | int) -> str:
    parent = trail[-1]
    if parent.kind == "list" or not all(isinstance(part, str) for part in missing):
        raise CannotEdit("there is no such list item, and none is added")
    if parent.kind != "map":
        raise CannotEdit("its parent is written as a single value or as nothing, not as a map")
    if parent.anchored:
        raise CannotEdit("its parent has an anchor")
    in_flow = any(spot.flow for spot in trail)
    keys = [_key(str(part), in_flow=in_flow) for part in missing]
    leaf = _scalar(value, in_flow=in_flow)
    if parent.flow:
        return _inserted_in_flow(text, parent, keys, leaf)
    return _inserted_as_lines(text, trail[0], parent, keys, leaf)


def _inserted_in_flow(text: str, parent: _Spot, keys: list[str], leaf: str) -> str:
    entry = "{".join(f"{key}: " for key in keys) + leaf + "}" * (len(keys) - 1)
    if text[parent.start] != "{":
        raise CannotEdit("its parent is a map without braces")
    if parent.children:
        end = list(parent.children.values())[-1].end
        return f"{text[:end]}, {entry}{text[end:]}"
    start, end = parent.start + 1, parent.end - 1
    inside = text[start:end]
    return text[:start] + entry + (inside if inside.strip() else "") + text[end:]


def _inserted_as_lines(text: str, root: _Spot, parent: _Spot, keys: list[str], leaf: str) -> str:
    column = _column(text, parent)
    step = next(_steps(text, root), _STEP)
    lines = [" " * (column + step * depth) + f"{key}:" for depth, key in enumerate(keys)]
    lines[-1] += f" {leaf}"
    if len(parent.children) > 1 and _stands_apart(text, list(parent.children.values())[-1]):
        lines.insert(0, "")
    # Comments that are indented deeper than the map still belong to its last entry.
    place = _line_end(text, parent.end)
    deeper = re.compile(rf"(?:[ \t]*(?:\r\n|\r|\n))* {{{column + 1},}}#[^\r\n]*(?:\r\n|\r|\n|\Z)")
    while place < len(text) and (match := deeper.match(text, place)):
        place = match.end()
    first_break = _LINE_END.search(text)
    line_end = first_break[0] if first_break else "\n"
    new = line_end.join(lines)
    if text[place - 1] in "\r\n":
        return text[:place] + new + line_end + text[place:]
    return text + line_end + new  # the file ends without a line end, and still does


def _stands_apart(text: str, spot: _Spot) -> bool:
    """Whether a blank line is above an entry and its comments."""
    lines = text[: _line_start(text, (spot.key or spot).start)].splitlines()
    while lines and lines[-1].lstrip().startswith("#"):
        lines.pop()
    return bool(lines) and not lines[-1].strip()


def _column(text: str, block_map: _Spot) -> int:
    first = next(iter(block_map.children.values()))
    start = (first.key or first).start
    before = text[_line_start(text, start) : start]
    if before.strip(" -"):
        raise CannotEdit("its parent is written in an unusual way")
    return len(before)


def _steps(text: str, spot: _Spot) -> Iterator[int]:
    """By how much block maps inside of others are indented, from the top."""
    for child in spot.children.values():
        if spot.kind == child.kind == "map" and not child.flow:
            yield _column(text, child) - _column(text, spot)
        yield from _steps(text, child)


# Removing


def _removed(text: str, trail: list[_Spot]) -> str:
    *above, holder, target = trail
    while len(holder.children) == 1 and holder.kind == "map" and above and above[-1].kind == "map":
        *above, holder, target = *above, holder
    if holder.kind == "map" and holder.flow and text[holder.start] != "{":
        raise CannotEdit("its parent is a map without braces")
    if len(holder.children) == 1:
        return _emptied(text, holder, target)
    if holder.flow:
        before = [spot for spot in holder.children.values() if spot.end < target.start]
        return _without_element(text, target, before[-1] if before else None)
    return _without_lines(text, target)


def _emptied(text: str, holder: _Spot, target: _Spot) -> str:
    """The text with the only entry of a map or list taken out, which then is `{}` or `[]`."""
    if holder.anchored:
        raise CannotEdit("its parent has an anchor")
    if holder.kind == "list" and holder.key and not holder.flow:
        # The items stand in lines of their own, but an empty list belongs behind its key.
        colon = _COLON.match(text, holder.key.end)
        end = colon.end() if colon else holder.key.end
        shorter = _without_lines(text, target)
        return shorter[:end] + " []" + shorter[end:]
    return text[: holder.start] + ("{}" if holder.kind == "map" else "[]") + text[holder.end :]


def _without_lines(text: str, target: _Spot) -> str:
    """The text without an entry of a block map or list, which has its lines to itself."""
    start = (target.key or target).start
    line = _line_start(text, start)
    end = _line_end(text, target.end)
    before = text[line:start]
    if re.fullmatch(" *" if target.key else " *- *", before):
        above, below = text[:line].splitlines(keepends=True), text[end:].splitlines(keepends=True)
        if above and _is_blank(above[-1:]) and _is_blank(below[:1]):
            above.pop()  # it set the entry apart
        head = "".join(above)
        if not below and text[end - 1] not in "\r\n":  # as before, no line end ends the file
            head = head.rstrip("\r\n")
        return head + text[end:]
    if target.key and re.fullmatch(" *- [ -]*", before):
        # The first entry of a map in a list: the next one moves up to the dash.
        return text[:start] + text[end:].lstrip(" ")
    raise CannotEdit("it does not stand in lines of its own")


def _is_blank(lines: list[str]) -> bool:
    return not "".join(lines).strip()


def _without_element(text: str, target: _Spot, before: _Spot | None) -> str:
    """The text without an element of a flow map or list, which has others."""
    start, end = (target.key or target).start, target.end
    line = _line_start(text, start)
    is_first = not text[line:start].strip()
    comma = _COMMA.match(text, end)
    if comma:
        end = comma.end()
    elif before and "#" not in text[before.end : start]:
        comment = _COMMENT.match(text, end)
        if is_first and comment:
            end = comment.end()
        return text[: before.end] + text[end:]
    rest = _NO_MORE.match(text, end)
    if is_first and rest:
        return text[:line] + text[rest.end() :]
    return text[:start] + text[end:]


# Lines and messages


def _line_start(text: str, place: int) -> int:
    return max(text.rfind("\n", 0, place), text.rfind("\r", 0, place)) + 1


def _line_end(text: str, place: int) -> int:
    """Where the line after that of `place` starts."""
    match = _LINE.match(text, place)
    return match.end() if match else place


def _shown(line: str) -> str:
    shown, position = "", 0
    for start, end in sorted(credentials.spans(line)):
        if end > position:
            shown += line[position:start] + credentials.MASK
            position = end
    return fit_for_terminal(shown + line[position:])


def _dotted(path: ValuePath) -> str:
    return quoted(Origin(path, None).dotted)


def _name(file: Path) -> str:
    return fit_for_terminal(str(file))


def _stale(file: Path) -> CannotEdit:
    return CannotEdit(f"{_name(file)} was changed in the meantime; try again")


def _unsafe(path: ValuePath, file: Path, reason: str) -> CannotEdit:
    return CannotEdit(f"{_dotted(path)} in {_name(file)} cannot be changed by itself: {reason}")
