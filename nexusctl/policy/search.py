"""Where a password can be written down outside the reach of policies, and the search of it all."""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nexusctl.configuration import tree
from nexusctl.configuration.configuration import Configuration
from nexusctl.configuration.syntax import parse
from nexusctl.configuration.texts import Text, texts
from nexusctl.configuration.tokens import Malformed
from nexusctl.errors import ToolUnfit
from nexusctl.policy.literals import (
    Literal,
    literals_in,
    literals_in_number,
    literals_in_text,
    literals_of_resource,
    sensitive_attributes,
)
from nexusctl.policy.names import names_a_secret
from nexusctl.policy.origins import Origins, leaf_expressions
from nexusctl.policy.planned import Module, managed, modules, read_data, without_indexes

_STATE_VERSION = 4
_TIMES = ("before", "after")
# What Terraform reads in HCL's syntax; the last two are settings of a backend, and tests.
_HCL = (".tf", ".tofu", ".tfvars", ".tfbackend", ".hcl")
_IN_TYPE = 2
_STATES = (".tfstate", ".tfstate.backup")
# What is commented out, but not what is said in a sentence: `# password = "…"`, `# PGPASSWORD=…`.
_ASSIGNED = re.compile(r"[\w.-]{1,128}(?:[ \t]{0,64}[:=][ \t]{0,64}[\"'][^\"'\n]+[\"']|=[^\s=]\S*)")
_Marks = Mapping[str, frozenset[str]]
# What makes passwords in the state, and where it keeps them; the list of sensitive arguments is of
# the AWS provider alone.
_MADE_HERE = {
    "random_password": ("result", "bcrypt_hash"),
    "tls_private_key": ("private_key_pem", "private_key_openssh", "private_key_pem_pkcs8"),
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A literal password, and the resource or other place that holds it, empty for a setting."""

    place: str
    literal: Literal
    file: str | None = None
    line: int | None = None
    path: tuple[str | int, ...] = ()


def told(message: str, hit: Hit, file: str | None) -> str:
    """What a finding says, and of a hit too, if not yet: with its line, after its file if another.

    The values and the texts of a resource are searched apart: what both find is told once.
    """
    place = ""
    if hit.line is not None:
        place = f" (line {hit.line})" if hit.file == file else f" ({hit.file}:{hit.line})"
    said = [part for part in message.split("; ") if part]
    for number, part in enumerate(said):
        literal, _, line = part.partition(" (")
        if _gist(literal) == _gist(str(hit.literal)) and (not line or f" ({line}" == place):
            said[number] = literal + (place or part[len(literal) :])
            return "; ".join(said)
    return "; ".join([*said, f"{hit.literal}{place}"])


def _gist(literal: str) -> tuple[str, str]:
    """Path and length, without the numbers of blocks and the reason."""
    path, _, rest = literal.rpartition(": ")
    return re.sub(r"\[\d+\]", "", path), rest.rpartition(", ")[2]


def in_settings(settings: Mapping[str, Any]) -> list[Hit]:
    """The passwords among the values of an environment. `path` of a hit is the setting's."""
    return [
        Hit("", literal, path=path)
        for path, value in _leaves(settings, ())
        for literal in literals_in(value, path)
    ]


def in_files(files: Mapping[str, str]) -> list[Hit]:
    """The passwords in the files of a root. What is neither HCL nor JSON is read as plain text."""
    hits: list[Hit] = []
    sensitive: dict[str, set[tuple[str, ...]]] = {}
    for file, content in files.items():
        if file.endswith(_HCL):
            found = sensitive.setdefault(posixpath.dirname(file), set())
            found |= _declared_sensitive(content)
    for file, content in files.items():
        if file.endswith(_HCL):
            hits += _in_hcl(file, content, sensitive.get(posixpath.dirname(file), set()))
        elif file.endswith(".json"):
            hits += _in_json(file, content)
        elif file.endswith(_STATES):
            hits += _in_kept_state(file, content)
        else:
            hits += _in_lines(file, content)
    return hits


def in_configuration(configuration: Configuration) -> list[Hit]:
    """The passwords that only show when expressions are evaluated, outside managed resources."""
    hits = [
        Hit(
            instance.address,
            literal,
            instance.file,
            instance.lines.get(literal.nearest(instance.lines), instance.line),
        )
        for instance in configuration.instances
        if instance.mode != "managed"
        for literal in literals_of_resource(instance.type, instance.values)
    ]
    hits += [
        Hit(
            block.address,
            literal,
            block.file,
            block.lines.get(literal.nearest(block.lines), block.line),
        )
        for block in configuration.blocks
        for name, value in block.values.items()
        for literal in literals_in(value, (name,), sensitive=name in block.sensitive)
    ]
    return list(dict.fromkeys(hits))


def in_plan(plan: Mapping[str, Any]) -> list[Hit]:
    """The passwords in a plan: resources as they are and will be, data, variables, outputs and the
    configuration.

    A literal in a write-only argument is in none of the values; only the configuration has it.
    """
    tree = modules(plan)
    configured = {
        f"{module.prefix}{resource['address']}": resource.get("expressions", {})
        for module in tree
        for resource in module.configuration.get("resources", [])
    }
    hits = [
        Hit(resource.address, literal)
        for resource in (*managed(plan), *read_data(plan))
        for literal in literals_of_resource(
            resource.type,
            _configured(resource.type, resource.values, _find(configured, resource.address)),
        )
    ]
    hits += _before(plan)
    marks = _marks(plan)
    for module in tree:
        hits += _in_module(plan, module, marks)
    root = tree[0].configuration.get("variables", {})
    for name, variable in plan.get("variables", {}).items():
        hits += _named("var", name, variable.get("value"), root.get(name, {}))
    for name, output in plan["planned_values"].get("outputs", {}).items():
        hits += _named("output", name, output.get("value"), output)
    by_address = {module.prefix.rstrip("."): module for module in tree}
    for provider in plan.get("configuration", {}).get("provider_config", {}).values():
        place = f"provider.{provider.get('name', '')}"
        expressions = provider.get("expressions", {})
        hits += [
            Hit(place, literal)
            for path, value in _constants(expressions, ())
            for literal in literals_in(value, path)
        ]
        module = by_address.get(without_indexes(provider.get("module_address", "")), tree[0])
        hits += [
            Hit(place, literal)
            for path, expression in leaf_expressions(expressions)
            if names_a_secret(path[-1])
            for literal in Origins(plan).literals(module, expression, ".".join(path))
        ]
    return list(dict.fromkeys(hits))


def in_state(state: Mapping[str, Any]) -> list[Hit]:
    """The passwords in a state, whoever made them: whoever reads the state has them.

    The state is as `terraform show -json` prints it, or as it is kept.

    Raises:
        ToolUnfit: it is neither.
    """
    if "format_version" in state or "values" in state:
        values = state.get("values") or {}
        resources = [
            _Kept(each["address"], each["mode"], each["type"], each.get("values") or {}, marked)
            for each in _resources(values.get("root_module", {}))
            for marked in [frozenset(_marked(each.get("sensitive_values") or {}))]
        ]
        outputs = values.get("outputs") or {}
    elif state.get("version") == _STATE_VERSION:
        resources = list(_kept(state))
        outputs = state.get("outputs") or {}
    else:
        raise ToolUnfit(
            "not a state that can be read",
            hint=f"give the output of terraform show -json, or a state of version {_STATE_VERSION}",
        )
    hits = [Hit(each.address, literal) for each in resources for literal in each.literals()]
    for name, output in outputs.items():
        hits += _named("output", name, output.get("value"), output)
    return list(dict.fromkeys(hits))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A resource instance in a state. `sensitive` are the attributes that it says are, dotted."""

    address: str
    mode: str
    type: str
    values: Mapping[str, Any]
    sensitive: frozenset[str]

    def literals(self) -> list[Literal]:
        values = self.values
        if self.mode == "data":
            # Most of what was read from AWS nobody wrote, and it may look like anything.
            names = {name.split(".")[0] for name in self.sensitive}
            values = {
                name: value
                for name, value in values.items()
                if names_a_secret(name) or name in names
            }
        made = _MADE_HERE.get(self.type, ())
        return literals_of_resource(self.type, values, (*self.sensitive, *made))


def _kept(state: Mapping[str, Any]) -> Iterator[_Kept]:
    """The resource instances of a state as Terraform keeps it."""
    for resource in state.get("resources") or []:
        mode = resource["mode"]
        parts = (resource.get("module"), mode if mode == "data" else None)
        address = ".".join([*filter(None, parts), resource["type"], resource["name"]])
        for instance in resource.get("instances") or []:
            key = instance.get("index_key")
            values = instance.get("attributes") or instance.get("attributes_flat") or {}
            steps = instance.get("sensitive_attributes") or []
            yield _Kept(
                address if key is None else f"{address}[{json.dumps(key)}]",
                mode,
                resource["type"],
                values,
                frozenset(".".join(_step_names(path)) for path in steps),
            )


def _step_names(path: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The names in a path of a state, list indexes left out."""
    for step in path:
        value = step.get("value")
        name = value.get("value") if isinstance(value, Mapping) else value
        if isinstance(name, str):
            yield name


def _marked(tree: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The dotted names of what is true in a tree of marks."""
    if tree is True:
        yield ".".join(path)
    elif isinstance(tree, Mapping):
        for name, item in tree.items():
            yield from _marked(item, (*path, name))
    elif isinstance(tree, list):
        for item in tree:
            yield from _marked(item, path)


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _before(plan: Mapping[str, Any]) -> Iterator[Hit]:
    """The passwords in what a plan says of the state that it starts from, and leaves there.

    What the plan changes or deletes is not searched: the plan may be what takes a password out, and
    what it puts in its place is searched anyway.
    """
    changed = {
        each["address"]
        for each in plan.get("resource_changes", [])
        if each["change"]["actions"] not in (["no-op"], ["read"])
    }
    outputs = {
        name
        for name, change in (plan.get("output_changes") or {}).items()
        if change.get("actions") != ["no-op"]
    }
    prior = (plan.get("prior_state") or {}).get("values") or {}
    found = [
        (each, each.get("values"), each.get("sensitive_values"))
        for each in _resources(prior.get("root_module", {}))
    ]
    found += [
        (each, each["change"].get(time), each["change"].get(f"{time}_sensitive"))
        for part, times in (("resource_changes", ("before",)), ("resource_drift", _TIMES))
        for each in plan.get(part) or []
        for time in times
    ]
    for resource, values, marks in found:
        if resource.get("mode") == "managed" and resource["address"] not in changed:
            kept = _Kept(
                resource["address"],
                "managed",
                resource["type"],
                values or {},
                frozenset(_marked(marks or {})),
            )
            yield from (Hit(kept.address, literal) for literal in kept.literals())
    for name, output in (prior.get("outputs") or {}).items():
        if name not in outputs:
            yield from _named("output", name, output.get("value"), output)


def _in_hcl(file: str, content: str, sensitive: set[tuple[str, ...]]) -> Iterator[Hit]:
    try:
        found = texts(content)
    except Malformed:  # that it is no HCL, others say
        yield from _in_lines(file, content)
        return
    for each in found:
        text = each
        if not text.path:
            continue
        if file.endswith(".tfvars"):
            text = replace(each, path=("variable", each.path[0], "default", *each.path[1:]))
        elif not file.endswith((".tf", ".tofu")) and len(each.path) == 1:
            text = replace(each, path=(file, *each.path))  # an argument outside of any block
        literals = _in_hcl_text(text, sensitive=text.path[:2] in sensitive)
        yield from (Hit(_block(text), literal, file, text.line) for literal in literals)
    yield from _in_comments(file, content, (each.text for each in found if each.heredoc))


def _declared_sensitive(content: str) -> set[tuple[str, ...]]:
    """The blocks of variables and outputs that say they are sensitive."""
    try:
        blocks = parse(content).blocks
    except Malformed:
        return set()
    return {
        (block.type, *block.labels)
        for block in blocks
        if block.type in {"variable", "output"}
        for attribute in [block.body.attributes.get("sensitive")]
        if attribute and isinstance(attribute.value, tree.Literal) and attribute.value.value is True
    }


def _in_json(file: str, content: str) -> Iterator[Hit]:
    try:
        document = json.loads(content)
    except (RecursionError, ValueError):
        yield from _in_lines(file, content)
        return
    for literal in literals_in(document):
        name = re.split(r"[.\[\]]+", literal.path.rstrip("]"))[-1]
        before = content.partition(json.dumps(name))[0]
        line = before.count("\n") + 1 if before != content else 1
        yield Hit(file, literal, file, line)


def _in_comments(file: str, content: str, heredocs: Iterable[str]) -> Iterator[Hit]:
    """The passwords in what is commented out, but in a script: that is searched as a text."""
    script = {line.strip() for heredoc in heredocs for line in heredoc.splitlines()}
    inside = False
    for number, line in enumerate(content.splitlines(), 1):
        text = line.strip()
        if text in script:
            continue
        inside = inside or text.startswith("/*")
        if inside or text.startswith(("#", "//")):
            for assigned in _ASSIGNED.finditer(text):
                for literal in literals_in_text(assigned[0], path="comment", written=True):
                    yield Hit(file, literal, file, number)
        inside = inside and "*/" not in text


def _in_kept_state(file: str, content: str) -> list[Hit]:
    """The passwords in a state that lies beside the root."""
    try:
        found = in_state(json.loads(content))
    except (ToolUnfit, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return _in_lines(file, content)
    return [replace(hit, place=file, file=file, line=1) for hit in found]


def _in_lines(file: str, content: str) -> list[Hit]:
    lines = [
        Hit(file, literal, file, number)
        for number, line in enumerate(content.splitlines(), 1)
        for literal in literals_in_text(line, written=True)
    ]
    # What takes several lines, a key for example, is told at the first.
    return lines or [Hit(file, one, file, 1) for one in literals_in_text(content, written=True)]


def _leaves(
    value: object, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, number))
    else:
        yield path, value


def _block(text: Text) -> str:
    kind, *rest = text.path
    return (
        ".".join(rest[:2])
        if kind == "resource"
        else ".".join(text.path[: 3 if kind == "data" else 2])
    )


def _as_evaluated(path: list[str]) -> Iterator[str]:
    """A path without what is written around the blocks that it leads through."""
    before = ["", ""]
    for step in path:
        written = step in {"dynamic", "content"} or before[-1] == "provisioner"
        if not (written and (step != "content" or before[-2] == "dynamic")):
            yield step
        before.append(step)


def _in_hcl_text(text: Text, *, sensitive: bool) -> Iterator[Literal]:
    """What is named by a block's type or labels is not its text: only a variable's default is."""
    kind, *rest = text.path
    value = kind in {"variable", "output"} and rest[1:2] in (["default"], ["value"])
    # As in `object({password = optional(string, "…")})`.
    value = value or (kind == "variable" and rest[1:2] == ["type"] and len(rest) > _IN_TYPE)
    if value:
        path = (rest[0], *rest[2:])
    elif kind in {"variable", "output"}:
        path = ("text",)
    else:
        labels = {"resource": 2, "data": 2, "ephemeral": 2, "module": 1, "provider": 1}
        path = tuple(filter(None, _as_evaluated(rest[labels.get(kind, 0) :])))
    if text.number:
        yield from literals_in_number(text.text, path, sensitive=sensitive and value)
    elif not text.path[-1]:
        yield from literals_in_text(text.text, path=".".join(filter(None, path)))
    elif text.heredoc:
        yield from literals_in_text(text.text, path=".".join(path), written=True)
    else:
        yield from literals_in(text.text, path, sensitive=sensitive and value)


def _find(configured: Mapping[str, Any], address: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = configured.get(without_indexes(address))
    return found


def _configured(
    resource_type: str, values: Mapping[str, Any], expressions: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The values without what the provider computed itself: nobody wrote that down.

    Blocks stay, since the configuration in a plan does not tell of dynamic ones. So does what is
    called a secret and cannot be set: it was read from AWS, and is in clear in the plan.
    """
    if expressions is None:
        return values
    sensitive = sensitive_attributes(resource_type)
    return {
        name: value
        for name, value in values.items()
        if name in expressions
        or (isinstance(value, list) and any(isinstance(item, dict) for item in value))
        or (names_a_secret(name) and name not in sensitive)
    }


def _in_module(plan: Mapping[str, Any], module: Module, marks: _Marks) -> Iterator[Hit]:
    origins = Origins(plan)
    for resource in module.configuration.get("resources", []):
        address = f"{module.prefix}{resource['address']}"
        sensitive = sensitive_attributes(resource["type"]) | marks.get(address, frozenset())
        each = resource.get("for_each_expression", {})
        for steps, expression in leaf_expressions(resource.get("expressions", {})):
            name = ".".join(steps)
            if name in sensitive or names_a_secret(steps[-1]):
                found = origins.literals(
                    module, expression, name, each=each, sensitive=name in sensitive
                )
                yield from (Hit(address, literal) for literal in found)
        for path, value in _constants(resource.get("provisioners", []), ("provisioner",)):
            yield from (Hit(address, one) for one in literals_in(value, path))
    variables = module.configuration.get("variables", {})
    for name, variable in variables.items():
        yield from _named(f"{module.prefix}var", name, variable.get("default"), variable)
    for name, argument in (module.arguments or {}).items():
        if "constant_value" in argument:
            value = argument["constant_value"]
            for literal in literals_in(
                value, (name,), sensitive=bool(variables.get(name, {}).get("sensitive"))
            ):
                yield Hit(module.prefix.rstrip("."), literal)


def _marks(plan: Mapping[str, Any]) -> _Marks:
    """The arguments that a plan says are sensitive, by the address without indexes."""
    found: dict[str, frozenset[str]] = {}
    for change in plan.get("resource_changes", []):
        address = without_indexes(change["address"])
        for time in _TIMES:
            marked = _marked(change["change"].get(f"{time}_sensitive") or {})
            found[address] = found.get(address, frozenset()).union(marked)
    return found


def _named(kind: str, name: str, value: object, about: Mapping[str, Any]) -> Iterator[Hit]:
    for literal in literals_in(value, (name,), sensitive=bool(about.get("sensitive"))):
        yield Hit(f"{kind}.{name}", literal)


def _constants(
    expressions: object, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if isinstance(expressions, list):
        for item in expressions:
            yield from _constants(item, path)
    elif isinstance(expressions, dict):
        if "constant_value" in expressions:
            yield path, expressions["constant_value"]
        else:
            for key, item in expressions.items():
                yield from _constants(item, (*path, key))
