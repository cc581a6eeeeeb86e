"""render(): an environment and templates in, a root module and its source map out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from nexusctl.environment.environment import Environment
from nexusctl.environment.load import load
from nexusctl.environment.origin import Origin
from nexusctl.errors import Exit, Location, RenderFailed
from nexusctl.render import hcl
from nexusctl.render.render import render
from nexusctl.render.rendered import Rendered
from nexusctl.workspace import PACKAGE, Assets, shipped_assets

SHIPPED = ("dev", "prod", "sandbox", "staging")
EVIL = '${file("/etc/passwd")}" %{ if true } \\'

Render = Callable[..., Rendered]


@pytest.fixture
def render_small(project: Path, tmp_path: Path) -> Render:
    """Renders one template as main.tf, for an environment that lays some settings over dev's."""
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / ".terraform.lock.hcl").write_text("# locked\n")
    (tmp_path / "modules").mkdir()

    def render_small(template: str, settings: str = "") -> Rendered:
        for name in ("outputs", "providers", "versions"):
            (templates / f"{name}.tf.j2").write_text("", "utf-8")
        (templates / "main.tf.j2").write_text(template, "utf-8")
        environment = small(project, settings)
        return render(environment, Assets(templates, tmp_path, tmp_path))

    return render_small


def small(project: Path, settings: str) -> Environment:
    """Its settings start on line 2 of small.yaml."""
    directory = project / "environments"
    (directory / "small.yaml").write_text(f"extends: dev\n{settings}", "utf-8")
    return load("small", directory)


def body(rendered: Rendered) -> str:
    """What the template printed, without the header."""
    return rendered.files["main.tf"].split("\n", 2)[2]


def origins(rendered: Rendered, line: int) -> list[str]:
    """The values printed on a line of the template, each with the name of its file and line."""
    return [
        f"{each.location.file.name}:{each.location.line} {each.dotted}"
        if each.location
        else f"default {each.dotted}"
        for each in rendered.origins("main.tf", line + 2)
    ]


class TestFiles:
    @pytest.mark.parametrize("name", SHIPPED)
    def test_the_same_settings_render_to_the_same_bytes_wherever_they_lie(
        self, name: str, project: Path
    ) -> None:
        here = render(load(name, project / "environments"), shipped_assets())
        there = render(load(name, PACKAGE.parent / "environments"), shipped_assets())
        assert here.files == there.files
        assert here.digest == there.digest

    @pytest.mark.parametrize("name", SHIPPED)
    def test_every_file_of_the_root_says_what_to_edit_instead(self, name: str) -> None:
        rendered = render(load(name, PACKAGE.parent / "environments"), shipped_assets())
        header = (
            f"# Rendered by nexusctl from environments/{name}.yaml. Do not edit: edit that file.\n"
        )
        root = {file for file in rendered.files if file.endswith(".tf") and "/" not in file}
        assert root == {"main.tf", "outputs.tf", "providers.tf", "versions.tf"}
        assert all(rendered.files[file].startswith(f"{header}\n") for file in root)

    def test_the_root_is_complete_and_holds_only_what_runs(self) -> None:
        assets = shipped_assets()
        files = render(load("dev", PACKAGE.parent / "environments"), assets).files
        lock_file = assets.templates / ".terraform.lock.hcl"
        assert files[".terraform.lock.hcl"] == lock_file.read_text("utf-8")
        module = assets.terraform / "modules/proxy/main.tf"
        assert files["modules/proxy/main.tf"] == module.read_text("utf-8")
        assert any(file.endswith(".tftpl") for file in files)
        assert not [file for file in files if "tests/" in file or file.endswith(".md")]

    def test_another_value_is_another_digest(self, project: Path) -> None:
        one, other = (
            render(small(project, f"proxy: {{debug_logging: {value}}}"), shipped_assets())
            for value in ("true", "false")
        )
        assert one.digest != other.digest


class TestValues:
    @pytest.mark.parametrize(
        ("expression", "printed"),
        [
            ("description", hcl.literal(EVIL)),
            ("name", '"keystone-nexus-small"'),
            ("environment", '"small"'),
            ("proxy.require_tls", "true"),
            ("database.allocated_storage_gib", "20"),
            ("alarms.topic_arns", "[]"),
            ("aws.profile", "null"),
            ("proxy.idle_client_timeout.seconds", "90"),
            ("database.backup_retention.days", "1"),
            ('"${text of the template}"', '"$${text of the template}"'),
            ("description if proxy.require_tls else 1", hcl.literal(EVIL)),
        ],
    )
    def test_a_printed_value_is_a_literal(
        self, render_small: Render, expression: str, printed: str
    ) -> None:
        settings = f"description: '{EVIL}'\nproxy: {{idle_client_timeout: 1m30s}}"
        assert body(render_small(f"x = {{{{ {expression} }}}}\n", settings)) == f"x = {printed}\n"

    @pytest.mark.parametrize(
        "printing",
        [
            "{{ description | safe }}",
            "{{ description | string }}",
            "{{ description | upper }}",
            '{{ description | replace("$", "") }}',
            '{{ description | attr("_value") }}',
            '{{ "%s" | format(description) }}',
            '{{ description ~ "" }}',
            '{{ "" ~ description }}',
            '{{ description + "" }}',
            "{{ description * 2 }}",
            "{{ description[0] }}",
            "{{ description[1:] }}",
            '{{ "%s" % description }}',
            '{{ "%r" % description }}',
            '{{ "{}".format(description) }}',
            '{{ "{0._value}".format(description) }}',
            '{{ "".join([description]) }}',
            "{{ description.upper() }}",
            "{{ description.upper }}",
            "{{ description._value }}",
            "{{ description.__str__() }}",
            "{{ [description] }}",
            '{{ {"a": description} }}',
            "{{ aws }}",
            "{% filter upper %}{{ description }}{% endfilter %}",
            "{% set again %}{{ description }}{% endset %}{{ again }}",
            "{% macro again() %}{{ description }}{% endmacro %}{{ again() }}",
            "{% for each in tags %}{{ each }}{% endfor %}",
            "{% for key, value in description.items() %}{% endfor %}",
            "{{ 1.5 }}",
        ],
    )
    def test_nothing_but_a_literal_can_be_made_of_a_value(
        self, render_small: Render, printing: str
    ) -> None:
        with pytest.raises(RenderFailed) as caught:
            render_small(f"\n\nx = {printing}\n", f"description: '{EVIL}'")
        assert caught.value.location is not None
        assert caught.value.location.line == 3
        assert "passwd" not in str(caught.value)

    def test_the_marks_of_the_source_map_are_no_marks_in_a_value(
        self, render_small: Render
    ) -> None:
        value = "\ue0000\ue001 \ue001\ue000"
        rendered = render_small("{{ description }}\n{{ tier }}\n", f"description: '{value}'")
        assert body(rendered) == f'{hcl.literal(value)}\n"development"\n'
        assert origins(rendered, 1) == ["small.yaml:2 description"]

    def test_conditions_and_loops_see_the_values_themselves(self, render_small: Render) -> None:
        template = (
            '{% if tier == "development" and not workers.ami_ssm_parameter %}\n'
            "{% for key, user in users.items() %}\n"
            "{{ key }} = {{ user.username }}\n"
            "{% endfor %}\n"
            "{% endif %}\n"
            '{% if "eu-central-1b" in network.availability_zones and tier in ["x"] %}no{% endif %}'
        )
        assert body(render_small(template)) == '"ingest" = "nexus_ingest"\n'


class TestRotation:
    ARN = "arn:aws:lambda:eu-central-1:444455556666:function:rotate"

    def test_only_the_user_that_declares_one_has_one(self, project: Path) -> None:
        settings = (
            "users:\n"
            f"  ingest: {{rotation: {{function_arn: '{self.ARN}', every: 90d}}}}\n"
            "  report: {username: nexus_report}\n"
            "workers: {user: ingest}\n"
        )
        rendered = render(small(project, settings), shipped_assets())
        assert (
            "  users = {\n"
            '    "ingest" = {\n'
            '      username       = "nexus_ingest"\n'
            "      secret_version = 1\n"
            "\n"
            "      rotation = {\n"
            f'        lambda_arn               = "{self.ARN}"\n'
            "        automatically_after_days = 90\n"
            "      }\n"
            "    }\n"
            '    "report" = {\n'
            '      username       = "nexus_report"\n'
            "      secret_version = 1\n"
            "    }\n"
            "  }\n"
        ) in rendered.files["main.tf"]
        lines = rendered.files["main.tf"].splitlines()
        (line,) = (n for n, text in enumerate(lines, start=1) if "automatically_after" in text)
        assert [each.dotted for each in rendered.origins("main.tf", line)] == [
            "users.ingest.rotation.every"
        ]


class TestFailures:
    @pytest.mark.parametrize(
        ("printing", "message"),
        [
            ("{{ nothing }}", "'nothing' is undefined"),
            ("{{ proxy.nothing }}", "there is no setting proxy.nothing"),
            ("{{ proxy.connection_pool.size }}", "there is no setting proxy.connection_pool.size"),
            ("{{ proxy.model_dump }}", "there is no setting proxy.model_dump"),
            ("{% if nothing %}{% endif %}", "'nothing' is undefined"),
            ("{% for each in nothing %}{% endfor %}", "'nothing' is undefined"),
            ("{% for key, user in users.items() %}{{ user.nothing }}{% endfor %}", "users.ingest"),
        ],
    )
    def test_what_the_environment_does_not_have_is_named_with_its_line(
        self, render_small: Render, tmp_path: Path, printing: str, message: str
    ) -> None:
        with pytest.raises(RenderFailed) as caught:
            render_small(f"a = 1\nb = {{{{ tier }}}}\nc = {printing}\n")
        assert message in caught.value.message
        assert caught.value.location == Location(tmp_path / "templates/main.tf.j2", 3)
        assert caught.value.exit_code is Exit.RENDER_FAILED
        assert caught.value.hint == "the template uses a value that the environment does not have"

    @pytest.mark.parametrize(
        "broken",
        ["{% if %}", "{% endfor %}", "{{ tier", "{{ tier ! }}", "{% nothing %}", "{{ a | b }}"],
    )
    def test_wrong_syntax_is_named_with_its_line(
        self, render_small: Render, tmp_path: Path, broken: str
    ) -> None:
        with pytest.raises(RenderFailed, match="template syntax: ") as caught:
            render_small(f"a = 1\n{broken}\n")
        assert caught.value.location == Location(tmp_path / "templates/main.tf.j2", 2)


class TestSourceMap:
    def test_a_value_is_where_it_was_written_last(self, render_small: Render) -> None:
        rendered = render_small(
            "{{ tier }}\n{{ description }} {{ proxy.require_tls }}\n\n{{ database.name }}\n",
            "description: mine\nproxy:\n  require_tls: true\n",
        )
        assert origins(rendered, 1) == ["dev.yaml:5 tier"]
        assert origins(rendered, 2) == [
            "small.yaml:4 proxy.require_tls",
            "small.yaml:2 description",
        ]
        assert origins(rendered, 3) == []
        assert origins(rendered, 4) == ["default database.name"]

    def test_the_elements_of_a_list_are_on_its_line(self, render_small: Render) -> None:
        settings = "network:\n  availability_zones:\n    - eu-central-1b\n    - eu-central-1c\n"
        rendered = render_small("{{ network.availability_zones }}\n", settings)
        assert body(rendered) == '["eu-central-1b", "eu-central-1c"]\n'
        assert origins(rendered, 1) == [
            "small.yaml:4 network.availability_zones[0]",
            "small.yaml:5 network.availability_zones[1]",
            "small.yaml:3 network.availability_zones",
        ]

    def test_each_entry_of_a_map_has_its_line_and_keeps_the_indentation(
        self, render_small: Render, project: Path
    ) -> None:
        rendered = render_small(
            "locals {\n  tags = {{ tags }}\n  tier = {{ tier }}\n}\n",
            "tags:\n  'cost center': a\n  x: b\n",
        )
        assert body(rendered) == (
            "locals {\n"
            "  tags = {\n"
            '    team          = "platform"\n'
            '    "cost center" = "a"\n'
            '    x             = "b"\n'
            "  }\n"
            '  tier = "development"\n'
            "}\n"
        )
        base = (project / "environments/base.yaml").read_text().splitlines()
        assert [origins(rendered, line)[0] for line in range(2, 8)] == [
            "small.yaml:2 tags",
            f"base.yaml:{base.index('  team: platform') + 1} tags.team",
            "small.yaml:3 tags.cost center",
            "small.yaml:4 tags.x",
            "small.yaml:2 tags",
            "dev.yaml:5 tier",
        ]
        assert origins(rendered, 1) == origins(rendered, 8) == []

    @pytest.mark.parametrize("name", SHIPPED)
    def test_what_a_line_is_said_to_print_stands_on_it(self, name: str) -> None:
        environment = load(name, PACKAGE.parent / "environments")
        rendered = render(environment, shipped_assets())
        judged = 0
        for file, lines in rendered.source_map.items():
            for number, named in lines.items():
                text = rendered.files[file].splitlines()[number - 1]
                for value in (at(environment.settings, each) for each in named):
                    if isinstance(value, (str, int)):
                        judged += 1
                        assert hcl.literal(value).strip('"') in text, (file, number)
        assert judged > 30

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("database.instance_class", "db.m6g.large"),
            ("database.log_retention", "5d"),
            ("database.parameters.log_min_duration_statement", "'7'"),
            ("proxy.idle_client_timeout", "7m"),
            ("proxy.connection_pool.connection_borrow_timeout", "7s"),
            ("users.ingest.username", "other"),
            ("workers.command", "other"),
            ("workers.instance_refresh.min_healthy_percentage", "77"),
            ("tags.team", "other"),
            ("state.bucket", "another-bucket"),
            ("aws.account_id", "'012345678901'"),
        ],
    )
    def test_every_line_that_a_value_changes_names_it(
        self, project: Path, path: str, value: str
    ) -> None:
        opening = path.replace(".", ": {") + ": "
        before = render(small(project, ""), shipped_assets())
        after = render(small(project, opening + value + "}" * path.count(".")), shipped_assets())
        assert before.files.keys() == after.files.keys()
        changed = [
            (file, number)
            for file in after.files
            for number, (old, new) in enumerate(
                zip(before.files[file].splitlines(), after.files[file].splitlines(), strict=True),
                start=1,
            )
            if old != new
        ]
        assert changed
        place = Location(project / "environments/small.yaml", 2, len(opening) + 1)
        for file, number in changed:
            named = {each.dotted: each.location for each in after.origins(file, number)}
            assert named[path] == place


class TestBlame:
    @pytest.fixture
    def rendered(self, project: Path) -> Rendered:
        settings = "database: {engine_version: '15.7'}\nstate: {bucket: lost-bucket}\n"
        return render(small(project, settings), shipped_assets())

    @staticmethod
    def line(rendered: Rendered, start: str) -> int:
        lines = rendered.files["main.tf"].splitlines()
        (number,) = (n for n, text in enumerate(lines, start=1) if text.startswith(start))
        return number

    def test_in_the_root_it_is_what_the_line_prints(self, rendered: Rendered) -> None:
        line = self.line(rendered, "  instance_class ")
        blamed = rendered.blame("main.tf", line, ())
        assert [each.dotted for each in blamed] == ["database.instance_class"]
        assert rendered.blame("main.tf", self.line(rendered, "locals {"), (), "15.7") == ()
        assert rendered.blame("main.tf", 100_000, ()) == rendered.blame("no.tf", 1, ()) == ()

    @pytest.mark.parametrize(
        ("file", "said", "blamed"),
        [
            (None, 'S3 bucket "lost-bucket" does not exist', ["state.bucket"]),
            (None, "no credentials", []),
            (
                "modules/database/main.tf",
                "no version 15.7 of postgres",
                ["database.engine_version"],
            ),
            ("modules/database/main.tf", "lost-bucket", []),
            (
                "modules/network/main.tf",
                "the zone eu-central-1b is full",
                ["network.availability_zones[1]"],
            ),
        ],
    )
    def test_else_it_is_what_the_error_quotes(
        self, rendered: Rendered, file: str | None, said: str, blamed: list[str]
    ) -> None:
        found = rendered.blame(file, 12, ("each.key", "var.name"), said)
        assert [each.dotted for each in found] == blamed

    @pytest.mark.parametrize(
        ("module", "variables", "blamed"),
        [
            ("network", ["var.cidr_block"], ["network.cidr_block"]),
            ("database", ["var.engine_version", "local.x"], ["database.engine_version"]),
            (
                "proxy",
                ["var.connection_pool"],
                [
                    "proxy.connection_pool.max_connections_percent",
                    "proxy.connection_pool.max_idle_connections_percent",
                    "proxy.connection_pool.connection_borrow_timeout",
                ],
            ),
            (
                "database",
                ['var.parameters["log_min_duration_statement"]'],
                ["database.parameters", "database.parameters.log_min_duration_statement"],
            ),
            ("workers", ["var.min_size", "var.max_size"], ["workers.min_size", "workers.max_size"]),
            # The variable is another module's, a resource's attribute, or given by no value.
            ("proxy", ["var.engine_version"], []),
            ("proxy", ["aws_db_proxy.main.require_tls"], []),
            ("proxy", ["var.name"], []),
            ("secrets", ["var.for_each"], []),
            ("nothing", ["var.engine_version"], []),
        ],
    )
    def test_in_a_module_it_is_what_the_root_passes_into_the_variables(
        self, rendered: Rendered, module: str, variables: list[str], blamed: list[str]
    ) -> None:
        found = rendered.blame(f"modules/{module}/main.tf", 12, variables)
        assert [each.dotted for each in found] == blamed


def at(settings: Any, origin: Origin) -> object:
    """The value of a setting."""
    value = settings
    for part in origin.path:
        value = getattr(value, str(part)) if isinstance(value, BaseModel) else value[part]
    return value


def test_a_template_that_is_missing_or_no_text_is_an_error(
    render_small: Render, tmp_path: Path
) -> None:
    render_small("")
    template = tmp_path / "templates/outputs.tf.j2"
    assets = Assets(tmp_path / "templates", PACKAGE.parent / "terraform", tmp_path)
    environment = load("prod", PACKAGE.parent / "environments")
    template.write_bytes(b"\xff")
    with pytest.raises(RenderFailed, match=r"outputs\.tf\.j2"):
        render(environment, assets)
    template.unlink()
    with pytest.raises(RenderFailed, match=r"outputs\.tf\.j2"):
        render(environment, assets)
