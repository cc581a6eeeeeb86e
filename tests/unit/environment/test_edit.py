"""Edits of environment files: whole texts before and after, what is refused, what always holds."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexusctl.environment.document import parse
from nexusctl.environment.edit import CannotEdit, Change, Edit, set_value, set_values, write
from nexusctl.environment.environment import Environment
from nexusctl.environment.load import load
from nexusctl.environment.tree import ValuePath

Write = Any

POOL = ("proxy", "connection_pool", "max_connections_percent")


def dotted(path: str) -> ValuePath:
    """`users.app.username`, `lambda_clients.0.name`"""
    return tuple(int(part) if part.isdecimal() else part for part in path.split("."))


def environment(write: Write, text: str) -> Environment:
    """An environment of its own file and the one it extends, `whole`."""
    return load("a", write(a=text))


def after(write: Write, text: str, path: str, value: Any) -> str:
    """The environment's own file after an edit in it."""
    edit = set_value(environment(write, text), dotted(path), value, here=True)
    assert edit.file.name == "a.yaml"
    assert edit.before == text
    return edit.after


def refusal(write: Write, text: str, path: str, value: Any) -> str:
    with pytest.raises(CannotEdit) as caught:
        set_value(environment(write, text), dotted(path), value, here=True)
    message = str(caught.value)
    assert message.isprintable()
    return message


class TestReplacing:
    @pytest.mark.parametrize(
        "text",
        [
            "extends: whole\ndatabase: {multi_az: false}",
            "extends: whole\ndatabase:\n    multi_az:   false   # é: why\n    # more\n",
            "extends: whole\ntags: {a: é日本}\ndatabase: {'multi_az' : false }",
            "extends: whole\r\n\r\ndatabase:\r\n  multi_az: false\r\ntags: {}\r\n",
            'extends: whole\n"database":\n  "multi_az": false # c',
            "extends: whole\ndatabase:\n  ? multi_az\n  : false\n",
            "---\n{extends: whole, database: {\n  multi_az: false, # c\n  # d\n}}\n...\n",
        ],
    )
    def test_only_the_value_changes(self, write: Write, text: str) -> None:
        assert after(write, text, "database.multi_az", True) == text.replace("false", "true")

    @pytest.mark.parametrize(
        ("old", "value", "new"),
        [
            ("plain", "other words", "other words"),
            ("plain", "no", "no"),  # text in YAML 1.2
            ("plain", "1:30", "1:30"),
            ("plain", "16.10", '"16.10"'),
            ("plain", "012", '"012"'),
            ("plain", "true", '"true"'),
            ("plain", "", '""'),
            ("plain", "a: b", '"a: b"'),
            ("plain", "a #b", '"a #b"'),
            ("plain", "- a", '"- a"'),
            ("plain", " a", '" a"'),
            ("plain", "a, b", "a, b"),
            ("plain", 'say "a\\b"', 'say "a\\b"'),
            ("plain", '"a"\n', '"\\"a\\"\\n"'),
            ("plain", "é日本", "é日本"),
            ("'single'", "it's", "'it''s'"),
            ("'single'", "a\nb", '"a\\nb"'),
            ('"double"', "other", '"other"'),
            ("|-\n    block", "other", "other"),
            (">-\n    block\n    text", "16", '"16"'),
            ("plain\n    goes on", "other", "other"),
        ],
    )
    def test_quotes_are_kept_or_added_as_needed(
        self, write: Write, old: str, value: str, new: str
    ) -> None:
        text = "extends: whole\ntags:\n  a: {}\n\n  # b\n  b: c\n"
        # A line break at the end is not a valid tag, but that is not this module's to judge.
        assert after(write, text.format(old), "tags.a", value) == text.format(new)

    def test_commas_need_quotes_inside_of_braces(self, write: Write) -> None:
        text = "extends: whole\ntags: {a: b, c: d}\n"
        assert after(write, text, "tags.a", "x, y") == text.replace("a: b", 'a: "x, y"')

    def test_nothing_written_is_a_value(self, write: Write) -> None:
        text = "extends: whole\nnetwork:\n  vpc_id: # none\n"
        expected = "extends: whole\nnetwork:\n  vpc_id: vpc-0a1b2c3d # none\n"
        assert after(write, text, "network.vpc_id", "vpc-0a1b2c3d") == expected

    def test_items_of_lists(self, write: Write) -> None:
        text = "extends: whole\nnetwork:\n  interface_endpoints:\n  - logs # a\n  -  ssm\n"
        edited = after(write, text, "network.interface_endpoints.1", "sts")
        assert edited == text.replace("ssm", "sts")

    def test_a_value_that_is_right_already_stays_as_it_is_spelled(self, write: Write) -> None:
        text = "extends: whole\nworkers: {min_size: 0x1}\n"
        for value, expected in ((1, "0x1"), (2, "2")):
            assert after(write, text, "workers.min_size", value) == text.replace("0x1", expected)


CHAIN = {
    "base": "extends: whole\nproxy:\n  debug_logging: true # base\n",
    "a": "extends: base\ntier: staging\n",
}


class TestWhere:
    def edit(self, write: Write, path: str, value: Any, *, here: bool) -> tuple[str, str]:
        edit = set_value(load("a", write(**CHAIN)), dotted(path), value, here=here)
        return edit.file.name, edit.after

    def test_where_it_was_written(self, write: Write) -> None:
        assert self.edit(write, "proxy.debug_logging", value=False, here=False) == (
            "base.yaml",
            "extends: whole\nproxy:\n  debug_logging: false # base\n",
        )
        name, text = self.edit(write, "database.multi_az", value=True, here=False)
        assert name == "whole.yaml"
        assert "  multi_az: true\n" in text

    def test_here(self, write: Write) -> None:
        assert self.edit(write, "proxy.debug_logging", value=False, here=True) == (
            "a.yaml",
            "extends: base\ntier: staging\nproxy:\n  debug_logging: false\n",
        )

    def test_a_default_is_written_into_the_own_file(self, write: Write) -> None:
        assert self.edit(write, "proxy.iam_auth", "REQUIRED", here=False) == (
            "a.yaml",
            "extends: base\ntier: staging\nproxy:\n  iam_auth: REQUIRED\n",
        )

    def test_a_default_in_a_list_item_is_written_where_the_item_is(self, write: Write) -> None:
        client = (
            "lambda_clients:\n"
            "  - name: orders\n"
            "    security_group_id: sg-0a1b2c3d4e5f60718\n"
            "    role_name: orders\n"
            "    reserved_concurrency: 1\n"
        )
        loaded = load("a", write(base=f"extends: whole\n{client}", a="extends: base\n"))
        path = ("lambda_clients", 0, "user")
        edit = set_value(loaded, path, "app", here=False)
        assert edit.file.name == "base.yaml"
        assert edit.after == f"extends: whole\n{client}    user: app\n"
        with pytest.raises(CannotEdit, match="no such list item"):
            set_value(loaded, path, "app", here=True)


class TestInserting:
    @pytest.mark.parametrize(
        ("text", "path", "value"),
        [
            ("extends: whole\n«proxy:\n  require_tls: true\n»", "proxy.require_tls", True),
            ("extends: whole«\ntier: staging»", "tier", "staging"),
            ("extends: whole # c«\ntier: staging»", "tier", "staging"),
            (
                "extends: whole\r\n«proxy:\r\n  require_tls: true\r\n»# c",
                "proxy.require_tls",
                True,
            ),
            ("extends: whole\ntags:\n  a: b«\n  c: d»", "tags.c", "d"),
            ("extends: whole\ntags:\n  a: b\n    # c«\n  c: d»", "tags.c", "d"),
            ("# 1\n\nextends: whole«\ntier: staging»", "tier", "staging"),
            ("extends: whole\n\n# 1\n# 2\ntags: {}\n«\ntier: staging\n»", "tier", "staging"),
            ("extends: whole\r\n\r\ntags: {}«\r\n\r\ntier: staging»", "tier", "staging"),
            ("{extends: whole«, tags: {a: b}»}\n", "tags.a", "b"),
            (
                "extends: whole\ntags:\n    a: b # c\n         # goes on\n«    x: '1'\n»\n"
                "# next\nworkers: {}\n".replace("'", '"'),
                "tags.x",
                "1",
            ),
            (
                "extends: whole\ntags:\n    a: b\n«proxy:\n    x:\n        y: 60\n»\n# end\n",
                "proxy.x.y",
                60,
            ),
            (
                "extends: whole\nusers:\n  app:\n    username: x\n    # c\n«  x: y\n»  # d\n",
                "users.x",
                "y",
            ),
            (
                "extends: whole\nusers:\n  app:\n    username: x\n\n    # c\n«  x: 1\n»\ntags: {}",
                "users.x",
                1,
            ),
            ("extends: whole\ntags: {«a: b»}\n", "tags.a", "b"),
            ("extends: whole\ntags: {«a: b» # c\n}\n", "tags.a", "b"),
            ("extends: whole\ntags: {a: 'é'«, \"b: c\": \"d, e\"»} # c\n", "tags.b: c", "d, e"),
            ("extends: whole\ntags: {\n  a: b, # c\n  d: e«, x: y», # f\n}\n", "tags.x", "y"),
            (
                "extends: whole\ndescription: |-\n  a\n«tier: staging\n»\n# c\n",
                "tier",
                "staging",
            ),
            ("extends: whole\ntags:\n  a: |-\n    b\n«  x: y\n»\n# c\n", "tags.x", "y"),
            (
                "extends: whole\nnetwork:\n  interface_endpoints:\n  - ssm # c\n«  x: y\n»",
                "network.x",
                "y",
            ),
            ("---\nextends: whole\ntags:\n  a: &x b\n  c: *x # c\n«  d: e\n»...\n", "tags.d", "e"),
        ],
    )  # fmt: skip
    def test_under_the_nearest_parent(self, write: Write, text: str, path: str, value: Any) -> None:
        old = re.sub("«.*»", "", text, flags=re.DOTALL)
        assert after(write, old, path, value) == re.sub("[«»]", "", text)

    def test_blanks_between_braces_go(self, write: Write) -> None:
        text = "extends: whole\ntags: { }\n"
        assert after(write, text, "tags.a", "b") == text.replace("{ }", "{a: b}")

    def test_a_shipped_file(self, project: Path) -> None:
        directory = project / "environments"
        text = (directory / "prod.yaml").read_text()
        edit = set_value(load("prod", directory), ("proxy", "debug_logging"), False, here=False)
        timeout = "    connection_borrow_timeout: 30s # then a waiting client gets an error\n"
        assert edit.after == text.replace(timeout, f"{timeout}  debug_logging: false\n")


CLIENTS = """\
extends: whole
lambda_clients:
  # the first
  - name: orders # c
    # its group
    security_group_id: sg-0a1b2c3d4e5f60718
    role_name: orders
    reserved_concurrency: 1
    user: app
  - {name: b, security_group_id: sg-0a1b2c3d4e5f60718, role_name: b, reserved_concurrency: 1}
"""


class TestRemoving:
    @pytest.mark.parametrize(
        ("old", "path", "new"),
        [
            ("tags:\n  # on a\n  a: b # c\n  d: e\n", "tags.a", "tags:\n  # on a\n  d: e\n"),
            ("tags:\n  a: b\n  d: e # c", "tags.d", "tags:\n  a: b"),
            ("tags:\r\n  a: b\r\n  d: e\r\n", "tags.a", "tags:\r\n  d: e\r\n"),
            ("tags:\n  a: b # c\n\n# on tier\ntier: staging\n", "tags.a",
             "\n# on tier\ntier: staging\n"),
            ("tier: staging\nproxy:\n  connection_pool:\n    max_connections_percent: 80\n",
             "proxy.connection_pool.max_connections_percent", "tier: staging\n"),
            ("tags: {a: b}\ntier: staging\n", "tags.a", "tier: staging\n"),
            ("# 1\n\n# 2\ntags:\n  a: b\n\n\ntier: staging\n\nproject: x\n\n# 3\n", "tier",
             "# 1\n\n# 2\ntags:\n  a: b\n\n\nproject: x\n\n# 3\n"),
            ("project: x\r\n\r\ntier: staging", "tier", "project: x"),
            ("tags: {a: b, c: d, e: f} # g\n", "tags.a", "tags: {c: d, e: f} # g\n"),
            ("tags: {a: b, c: d, e: f} # g\n", "tags.c", "tags: {a: b, e: f} # g\n"),
            ("tags: {a: b, c: d, e: f,} # g\n", "tags.e", "tags: {a: b, c: d, } # g\n"),
            ("tags: {a: b, c: d} # g\n", "tags.c", "tags: {a: b} # g\n"),
            ("tags: {\n  a: b, # 1\n  # on c\n  c: d # 2\n}\n", "tags.a",
             "tags: {\n  # on c\n  c: d # 2\n}\n"),
            ("tags: {\n  a: b, # 1\n  c: d # 2\n}\n", "tags.c",
             "tags: {\n  a: b, # 1\n}\n"),
            ("tags: {\n  a: b,\n  c: d # 2\n}\n", "tags.c", "tags: {\n  a: b\n}\n"),
            ("tags:\n  a: >-\n    b\n    c\n\n  d: e\n", "tags.a", "tags:\n\n  d: e\n"),
        ],
    )  # fmt: skip
    def test_entries(self, write: Write, old: str, path: str, new: str) -> None:
        assert after(write, f"extends: whole\n{old}", path, None) == f"extends: whole\n{new}"

    @pytest.mark.parametrize(
        ("path", "cut", "put"),
        [
            ("lambda_clients.0.user", "    user: app\n", ""),
            ("lambda_clients.0.name", "name: orders # c\n    ", ""),
            ("lambda_clients.0", CLIENTS[CLIENTS.index("  - name") : CLIENTS.index("  - {")], ""),
            ("lambda_clients.1", CLIENTS[CLIENTS.index("  - {") :], ""),
            ("lambda_clients.1.name", "{name: b, ", "{"),
            ("lambda_clients.1.role_name", "role_name: b, ", ""),
            ("lambda_clients.1.reserved_concurrency", ", reserved_concurrency: 1}", "}"),
        ],
    )
    def test_in_lists(self, write: Write, path: str, cut: str, put: str) -> None:
        assert after(write, CLIENTS, path, None) == CLIENTS.replace(cut, put)

    def test_the_only_item(self, write: Write) -> None:
        topic = "arn:aws:sns:eu-central-1:012345678901:x"
        text = f"extends: whole\nalarms:\n  topic_arns: # c\n  # d\n  - {topic} # e\ntags: {{}}\n"
        assert after(write, text, "alarms.topic_arns.0", None) == (
            "extends: whole\nalarms:\n  topic_arns: [] # c\n  # d\ntags: {}\n"
        )
        flow = f"extends: whole\nalarms: {{topic_arns: [{topic}]}}\n"
        assert after(write, flow, "alarms.topic_arns.0", None) == flow.replace(topic, "")

    def test_a_file_never_gets_empty(self, tmp_path: Path, write: Write) -> None:
        whole = load("whole", write())
        everything = [Change((key,), None, here=True) for key in ("tier", "workers")]
        (edit,) = set_values(whole, everything)
        assert edit.before.startswith("tier: development\n" + edit.after.splitlines()[0])
        keys = dict.fromkeys(path[0] for path in whole.origins)
        (edit,) = set_values(whole, [Change((key,), None, here=True) for key in keys])
        assert edit.after == "{}\n"


class TestMany:
    def test_one_edit_for_each_file(self, write: Write) -> None:
        loaded = load("a", write(base="extends: whole\ntags: {a: b}\n", a="extends: base\n"))
        edits = set_values(
            loaded,
            [
                Change(("tags", "a"), "c", here=False),
                Change(("proxy", "require_tls"), True, here=True),
                Change(("proxy", "connection_pool", "max_connections_percent"), 60, here=True),
                Change(("proxy", "iam_auth"), "REQUIRED", here=False),
                Change(("tags", "a"), "c", here=False),
            ],
        )
        own, base = edits
        assert (own.file.name, base.file.name) == ("a.yaml", "base.yaml")
        assert own.after == (
            "extends: base\nproxy:\n  require_tls: true\n  connection_pool:\n"
            "    max_connections_percent: 60\n  iam_auth: REQUIRED\n"
        )
        assert base.after == "extends: whole\ntags: {a: c}\n"

    def test_indices_are_those_of_the_file(self, write: Write) -> None:
        text = "extends: whole\nnetwork: {interface_endpoints: [logs, ssm, sts, kms]}\n"
        loaded = environment(write, text)
        path = ("network", "interface_endpoints")
        changes = [
            Change((*path, 0), None, here=True),
            Change((*path, 2), None, here=True),
            Change((*path, 3), "rds", here=True),
        ]
        (edit,) = set_values(loaded, changes)
        assert edit.after == text.replace("[logs, ssm, sts, kms]", "[ssm, rds]")

    def test_contradictions(self, write: Write) -> None:
        loaded = load("whole", write())
        with pytest.raises(CannotEdit, match="two values at once"):
            set_values(loaded, [Change(POOL, 1, here=True), Change(POOL, True, here=True)])

    def test_nothing(self, write: Write) -> None:
        assert set_values(load("whole", write()), []) == []


SHARED = "tags: &x {a: b}\ndatabase: {parameters: *x}"
ENDPOINTS = "network: {interface_endpoints: [logs]}"


class TestRefused:
    @pytest.mark.parametrize(
        ("text", "path", "value", "reason"),
        [
            ("tags: {a: b}", "tags", "x", "a map is written there"),
            (ENDPOINTS, "network.interface_endpoints", "x", "a list is written there"),
            (ENDPOINTS, "network.interface_endpoints.1", "x", "none is added"),
            ("tags: {a: &x b, c: *x}", "tags.a", "d", "it has an anchor"),
            ("tags: {a: &x b, c: *x}", "tags.c", "d", "it is an alias"),
            ("tags: {a: &x b, c: *x}", "tags.a", None, "could not be read any more"),
            (SHARED, "tags.c", "d", "its parent has an anchor"),
            (SHARED, "tags.a", "d", "something else"),
            (SHARED, "tags.a", None, "could not be read any more"),
            (SHARED, "database.parameters.c", "d", "it is an alias, or inside one"),
            ("network:\n  vpc_id:\n", "network.vpc_id.x", "y", "not as a map"),
            ("tier: staging", "tier.x", "y", "not as a map"),
            ("tier: staging", "alarms.topic_arns.0", "y", "none is added"),
            ("tier: staging", "proxy.require_tls", None, "not written there"),
            ("tags:\n  a: | # c\n    b", "tags.a", "d", "a comment stands inside"),
            ("tier: staging", "extends", "x", "not a setting"),
            ("tier: staging", "abstract", True, "not a setting"),
            ("tier: staging", "tags.api_key", "hunter2", "is a credential"),
            ("tier: staging", "tags.a", "postgres://u:hunter2@h", "holds a credential"),
            ("tier: staging", "tags.a", "\x1b", "not allowed"),
            ("tier: staging", "tags.a", "\ud800", "could not be read"),
            ("tags:\n  ? a\n  : b\n", "tags.c", "d", "unusual way"),
            ("tags:\n  ? a\n  : b\n  c: d\n", "tags.a", None, "lines of its own"),
        ],
    )  # fmt: skip
    def test_changes(self, write: Write, text: str, path: str, value: Any, reason: str) -> None:
        message = refusal(write, f"extends: whole\n{text}", path, value)
        assert reason in message
        assert "hunter2" not in message

    def test_no_path(self, write: Write) -> None:
        with pytest.raises(CannotEdit, match="the whole file"):
            set_value(load("whole", write()), (), "x", here=True)

    @pytest.mark.parametrize(
        "text",
        [
            "extends: base\ntier: sandbox\n",  # another value
            "# c\nextends: base\ntier: staging\n",  # another place
            "extends: whole\ntier: staging\n",  # another base
            "extends: base\ntier: staging\n# c",
            "extends: [",
            b"\xff",
            None,
        ],
    )
    def test_files_that_changed_since_they_were_loaded(
        self, write: Write, text: str | bytes | None
    ) -> None:
        loaded = load("a", write(base="extends: whole", a="extends: base\ntier: staging\n"))
        file = loaded.files[0]
        if text is None:
            file.unlink()
        else:
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(CannotEdit, match="changed in the meantime"):
            set_value(loaded, POOL, 1, here=True)


class TestDiff:
    def test_it_is_unified(self) -> None:
        edit = Edit(Path("environments/a.yaml"), "a: 1\r\nb: 2\r\n", "a: 1\r\nb: 3\r\n")
        assert edit.diff() == (
            "--- environments/a.yaml\n+++ environments/a.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n+b: 3"
        )

    def test_it_shows_no_credential_and_no_control_character(self) -> None:
        before = "# password: hunter2\n#\tpsql -u me:hunter2 \x1b[31m\n# postgres://u:hunter2@h\n"
        text = Edit(Path("a\x1b.yaml"), f"{before}a: 1", f"{before}a: 2").diff()
        assert "hunter2" not in text
        assert text.count("***") == 3
        assert all(map(str.isprintable, text.split("\n")))

    def test_no_change(self) -> None:
        assert Edit(Path("a.yaml"), "a: 1", "a: 1").diff() == ""


class TestWrite:
    def test_it_writes_what_the_edit_says(self, write: Write) -> None:
        directory = write(a="extends: whole\r\n# é")
        file = directory / "a.yaml"
        file.chmod(0o640)
        names = sorted(path.name for path in directory.iterdir())
        edit = set_value(load("a", directory), ("tier",), "staging", here=True)
        _write(edit)
        assert file.read_bytes() == "extends: whole\r\ntier: staging\r\n# é".encode()
        assert file.stat().st_mode & 0o777 == 0o640
        assert sorted(path.name for path in directory.iterdir()) == names
        assert load("a", directory).settings.tier == "staging"

    def test_an_edit_without_a_change_touches_nothing(self, tmp_path: Path) -> None:
        _write(Edit(tmp_path / "none.yaml", "a", "a"))

    def test_links_are_refused(self, write: Write) -> None:
        directory = write()
        (directory / "a.yaml").symlink_to("whole.yaml")
        edit = set_value(load("a", directory), ("tier",), "staging", here=True)
        with pytest.raises(CannotEdit, match="is a link"):
            _write(edit)

    def test_nothing_is_written_when_one_file_changed(self, write: Write) -> None:
        directory = write(a="extends: whole\n")
        loaded = load("a", directory)
        changes = [Change(("tier",), "staging", here=True), Change(POOL, 71, here=False)]
        own, base = set_values(loaded, changes)
        with base.file.open("a") as stream:
            stream.write("# new\n")
        with pytest.raises(CannotEdit, match="changed in the meantime"):
            _write(own, base)
        assert own.file.read_text() == own.before

    def test_what_cannot_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(CannotEdit, match=r"cannot write .*a\.yaml: No such file"):
            _write(Edit(tmp_path / "a.yaml", "a", "b"))


def _write(*edits: Edit) -> None:
    write(edits)


# What holds for any file


WRITTEN = ["a", "no", "16.4", "x y", "é日本", "a: b", ""]  # what tags may be
TEXTS = [*WRITTEN, "it's", "a, b", "#1", "- a", "1\n2"]
KEYS = ["a", "b", "c.d", "e f", "ü", "no", "12"]
words = st.sampled_from(WRITTEN)
identifiers = st.sampled_from(["app", "batch", "ingest"])
clients = st.fixed_dictionaries(
    {
        "name": st.just("orders"),
        "security_group_id": st.just("sg-0a1b2c3d4e5f60718"),
        "role_name": st.just("orders"),
        "reserved_concurrency": st.integers(1, 9),
        "user": st.just("app"),
    }
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "tier": st.sampled_from(["development", "staging"]),
        "description": words,
        "tags": st.dictionaries(st.sampled_from(KEYS), words, max_size=4),
        "users": st.dictionaries(
            identifiers, st.fixed_dictionaries({"username": st.just("me")}), max_size=1
        ),
        "proxy": st.fixed_dictionaries(
            {},
            optional={
                "debug_logging": st.booleans(),
                "connection_pool": st.fixed_dictionaries(
                    {}, optional={"max_connections_percent": st.integers(40, 99)}
                ),
            },
        ),
        "lambda_clients": st.lists(clients, max_size=1),
        "network": st.fixed_dictionaries(
            {}, optional={"interface_endpoints": st.just(["logs", "ssm", "sts"])}
        ),
    },
)


Choice = TypeVar("Choice")


class Writer:
    """Writes a tree as YAML in a style that is drawn, with a comment wherever one may stand.

    A comment names the entry that it belongs to.
    """

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._step = data.draw(st.integers(1, 4), "indentation")

    def _one_of(self, *choices: Choice) -> Choice:
        return self._data.draw(st.sampled_from(choices))

    def _comment(self, kind: str, path: ValuePath) -> str:
        return f"# {kind} {'/'.join(map(str, path))}"

    def _tail(self, path: ValuePath) -> str:
        return self._one_of("", "", f" {self._comment('beside', path)}")

    def _scalar(self, value: Any) -> str:
        if not isinstance(value, str):
            return str(value).lower()
        quotes = '"{}"', "'{}'"
        safe = value and "'" not in value and not re.search(": |^[0-9]", value)
        text = self._one_of(*quotes, *(["{}"] if safe else []))
        return text.format(value.replace("'", "''") if text == "'{}'" else value)

    def lines(self, tree: Any, path: ValuePath, indent: int) -> Iterator[str]:
        """The lines of a block map or list."""
        entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, value in entries:
            inner = (*path, key)
            margin = " " * indent
            if self._one_of(True, False, False):
                yield self._one_of("", margin + self._comment("above", inner))
            start = f"{margin}{self._scalar(key)}:" if isinstance(tree, dict) else f"{margin}-"
            if not isinstance(value, (dict, list)):
                yield f"{start} {self._scalar(value)}{self._tail(inner)}"
            elif not value or self._one_of(True, False):
                yield f"{start} {self.flow(value, inner, indent)}{self._tail(inner)}"
            elif not isinstance(tree, dict):  # a collection that starts behind its dash
                first, *others = self.lines(value, inner, indent + 2)
                while not first.strip() or first.lstrip().startswith("#"):
                    yield first
                    first, *others = others
                yield f"{margin}- {first.lstrip()}"
                yield from others
            else:
                yield start + self._tail(inner)
                least = 0 if isinstance(value, list) else self._step
                yield from self.lines(value, inner, indent + self._one_of(least, self._step))

    def flow(self, tree: Any, path: ValuePath, indent: int) -> str:
        entries = list(tree.items() if isinstance(tree, dict) else enumerate(tree))
        wide = bool(entries) and self._one_of(True, False, False)
        margin = "\n" + " " * (indent + 1) if wide else ""
        text = self._one_of("", " ")
        for number, (key, value) in enumerate(entries, 1):
            inner = (*path, key)
            text += margin
            if isinstance(tree, dict):
                text += f"{self._scalar(key)}: "
            is_scalar = not isinstance(value, (dict, list))
            text += self._scalar(value) if is_scalar else self.flow(value, inner, indent + 1)
            text += "," if number < len(entries) else self._one_of("", ",")
            text += self._tail(inner) if wide else " " if number < len(entries) else ""
        text += margin
        return f"{{{text}}}" if isinstance(tree, dict) else f"[{text}]"


def expected_of(tree: Any, path: ValuePath, value: Any) -> tuple[Any, ValuePath]:
    """The tree after a change, and the path of what went with a removed entry."""
    top = path
    if value is None:
        while len(top) > 1:
            holder = at(tree, top[:-1])
            is_inner = len(top) > 2 and isinstance(at(tree, top[:-2]), tuple)
            if not isinstance(holder, dict) or len(holder) > 1 or is_inner:
                break
            top = top[:-1]
    return changed(tree, top, value), top


def at(tree: Any, path: ValuePath) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def changed(tree: Any, path: ValuePath, value: Any) -> Any:
    part, *rest = path
    if isinstance(part, int):
        inner = changed(tree[part], tuple(rest), value) if rest else value
        return tree[:part] + (() if inner is None else (inner,)) + tree[part + 1 :]
    inner = changed(tree.get(part, {}), tuple(rest), value) if rest else value
    return {key: each for key, each in {**tree, part: inner}.items() if each is not None}


paths = st.sampled_from(
    [
        ("tier",),
        ("description",),
        ("tags",),
        *(("tags", key) for key in KEYS),
        ("users", "app", "username"),
        ("users", "app"),
        ("proxy", "debug_logging"),
        ("proxy", "connection_pool"),
        POOL,
        ("proxy", "require_tls"),
        ("database", "multi_az"),
        ("database", "parameters", "x"),
        ("lambda_clients", 0),
        ("lambda_clients", 0, "user"),
        ("lambda_clients", 0, "name"),
        ("lambda_clients", 0, "more"),
        *(("network", "interface_endpoints", number) for number in range(4)),
        ("network", "vpc_id"),
    ]
)
values = st.none() | st.sampled_from(TEXTS) | st.booleans() | st.integers(-9, 99)


@settings(max_examples=150, deadline=None)
@given(st.data(), bodies, paths, values)
def test_any_change_of_any_file(
    data: st.DataObject, body: Any, path: ValuePath, value: Any
) -> None:
    lines = Writer(data).lines({"extends": "whole", **body}, (), 0)
    line_end = data.draw(st.sampled_from(["\n", "\n", "\r\n"]), "line end")
    text = "\n".join([*lines, *data.draw(st.sampled_from([[], [""], ["# end", ""]]), "last lines")])
    text = text.replace("\n", line_end)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "whole.yaml").write_text(WHOLE)
        (directory / "a.yaml").write_bytes(text.encode())
        loaded = load("a", directory)
        before = read(directory / "a.yaml")
        if cannot_be(before, path, value):
            with pytest.raises(CannotEdit):
                set_value(loaded, path, value, here=True)
            return
        edit = set_value(loaded, path, value, here=True)
        write([edit])
        assert (directory / "a.yaml").read_bytes() == edit.after.encode()
        expected, top = expected_of(before, path, value)
        assert repr(read(directory / "a.yaml")) == repr(expected)
    assert edit.after.endswith("\n") == text.endswith("\n")
    assert edit.after.count("\r\n") == edit.after.count("\n") * text.count("\r\n") // max(
        text.count("\n"), 1
    )
    lost = set(comments(text)) - set(comments(edit.after))
    gone = "/".join(map(str, top))
    for comment in lost:
        assert value is None
        _, kind, owner = comment.split(" ", 2)
        assert f"{owner}/".startswith(f"{gone}/")
        assert kind == "beside" or owner != gone


def read(file: Path) -> Any:
    return parse(file.read_bytes(), file).root.plain()


def comments(text: str) -> list[str]:
    return re.findall(r"# (?:above|beside) [^\r\n]*|# end", text)


def cannot_be(tree: Any, path: ValuePath, value: Any) -> bool:
    """Whether a change has no meaning: nothing to remove, no such item, a whole map or list."""
    for depth, part in enumerate(path):
        children = dict(enumerate(tree)) if isinstance(tree, tuple) else tree
        if part not in children:
            return value is None or any(isinstance(each, int) for each in path[depth:])
        tree = children[part]
    return value is not None and isinstance(tree, (dict, tuple))


WHOLE = """\
tier: development
aws: {region: eu-central-1, account_id: "012345678901"}
state: {backend: s3, bucket: some-bucket}
network: {cidr_block: 10.0.0.0/16, availability_zones: [eu-central-1a, eu-central-1b]}
database:
  {engine_version: "16.4", instance_class: db.t4g.medium, allocated_storage_gib: 20,
   multi_az: false, backup_retention: 1d, deletion_protection: false}
proxy:
  connection_pool:
    {max_connections_percent: 70, max_idle_connections_percent: 35, connection_borrow_timeout: 30s}
users: {app: {username: app_user}}
workers:
  {instance_type: c7g.large, min_size: 1, max_size: 2, processes_per_instance: 1,
   connections_per_process: 1, command: run, user: app}
"""
