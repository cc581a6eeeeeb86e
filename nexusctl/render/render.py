"""Environment → Terraform root module."""

from functools import cache
from pathlib import Path
from traceback import extract_tb
from types import CodeType

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nexusctl.environment.environment import Environment
from nexusctl.environment.origin import Origin
from nexusctl.errors import Location, RenderFailed
from nexusctl.render.rendered import LOCK_FILE, Rendered
from nexusctl.render.trace import Traced, Tracer
from nexusctl.workspace import Assets

HEADER = "# Rendered by nexusctl from environments/{name}.yaml. Do not edit: edit that file.\n"
ROOT_FILES = ("main.tf", "outputs.tf", "providers.tf", "versions.tf")
# What a module needs to run; its tests and its README stay behind.
MODULE_FILES = ("*.tf", "templates/*")


def render(environment: Environment, assets: Assets) -> Rendered:
    """The Terraform root module of `environment`: the same bytes for the same input.

    Raises:
        RenderFailed: a template is broken or uses a value that the environment does not have.
    """
    files: dict[str, str] = {}
    source_map: dict[str, dict[int, tuple[Origin, ...]]] = {}
    context = _context(environment)
    for name in ROOT_FILES:
        template = assets.templates / f"{name}.j2"
        text, lines = _render_template(template, context)
        header = HEADER.format(name=environment.name)
        files[name] = f"{header}\n{text}"
        source_map[name] = {
            line + header.count("\n") + 1: tuple(environment.origin(*path) for path in paths)
            for line, paths in lines.items()
        }
    files[LOCK_FILE] = _shipped(assets.templates / LOCK_FILE)
    files.update(_modules(assets.terraform / "modules"))
    return Rendered(files, source_map)


def _context(environment: Environment) -> dict[str, object]:
    settings = environment.settings
    return {
        **{
            field: Traced(getattr(settings, field), (field,))
            for field in type(settings).model_fields
        },
        "name": Traced(f"{settings.project}-{environment.name}", ("project",)),
        "environment": environment.name,
    }


def _render_template(
    template: Path, context: dict[str, object]
) -> tuple[str, dict[int, list[tuple[str | int, ...]]]]:
    tracer = Tracer()
    try:
        code = _compiled(template, _shipped(template))
        loaded = jinja2.Template.from_code(_jinja(tracer), code, {})
        return tracer.untangle(loaded.render(context))
    except jinja2.TemplateSyntaxError as error:
        raise RenderFailed(
            f"template syntax: {error.message}", location=Location(template, error.lineno)
        ) from error
    except (jinja2.TemplateError, TypeError, AttributeError) as error:
        frames = [f for f in extract_tb(error.__traceback__) if f.filename == str(template)]
        line = frames[-1].lineno if frames else None
        raise RenderFailed(
            str(error),
            location=Location(template, line or 1),
            hint="the template uses a value that the environment does not have"
            if isinstance(error, jinja2.UndefinedError)
            else None,
        ) from error


def _shipped(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RenderFailed(
            f"{file} cannot be read: {error}", hint="it comes with nexusctl: install it anew"
        ) from error


@cache
def _compiled(template: Path, source: str) -> CodeType:
    """The template's code, the same for every environment and tracer."""
    return _jinja(Tracer()).compile(source, filename=str(template))


def _jinja(tracer: Tracer) -> jinja2.Environment:
    jinja = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        finalize=tracer.finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the output is HCL, not HTML: finalize escapes it
    )
    jinja.filters.clear()  # they make text of values, and {% filter %} changes text already escaped
    return jinja


def _modules(modules: Path) -> dict[str, str]:
    return {
        f"modules/{path.relative_to(modules).as_posix()}": path.read_text("utf-8")
        for module in sorted(modules.iterdir())
        for pattern in MODULE_FILES
        for path in sorted(module.glob(pattern))
    }
