"""Loading: extends, places, names, and everything that is refused on the way."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from nexusctl.environment.load import listing, load, names
from nexusctl.environment.problem import EnvironmentProblems, Problem
from nexusctl.errors import EnvironmentInvalid, Exit

Write = Any


def problems(name: str, directory: Path) -> tuple[Problem, ...]:
    with pytest.raises(EnvironmentProblems) as caught:
        load(name, directory)
    assert caught.value.exit_code is Exit.ENVIRONMENT_INVALID
    return caught.value.problems


def only(name: str, directory: Path) -> Problem:
    (problem,) = problems(name, directory)
    return problem


class TestExtends:
    def test_maps_merge_and_lists_replace(self, write: Write) -> None:
        directory = write(
            base="extends: whole\ntags: {a: '1', b: '2'}\nalarms: {topic_arns: []}",
            child="extends: base\ntags: {b: '3'}\n"
            "network: {availability_zones: [eu-central-1b, eu-central-1c]}",
        )
        settings = load("child", directory).settings
        assert settings.tags == {"a": "1", "b": "3"}
        assert settings.network.availability_zones == ("eu-central-1b", "eu-central-1c")
        assert settings.network.cidr_block == "10.0.0.0/16"

    def test_files_are_nearest_first(self, write: Write) -> None:
        directory = write(base="extends: whole", child="extends: base")
        files = [file.name for file in load("child", directory).files]
        assert files == ["child.yaml", "base.yaml", "whole.yaml"]

    def test_null_takes_an_inherited_value_back(self, write: Write) -> None:
        directory = write(
            child="extends: whole\nnetwork:\n  cidr_block: null\n  availability_zones: []\n"
            "  vpc_id: vpc-0a1b2c3d\n  private_subnet_ids: [subnet-0a1b2c3d, subnet-1a1b2c3d]"
        )
        network = load("child", directory).settings.network
        assert network.vpc_id == "vpc-0a1b2c3d"
        assert network.interface_endpoints == ()

    def test_a_circle_is_shown(self, write: Write) -> None:
        directory = write(a="extends: b", b="extends: c", c="\nextends: b")
        problem = only("a", directory)
        assert "b → c → b" in problem.message
        assert problem.location.file.name == "c.yaml"
        assert problem.location.line == 2

    def test_itself(self, write: Write) -> None:
        assert "a → a" in only("a", write(a="extends: a")).message

    @pytest.mark.parametrize("target", ["../whole", "/whole", "sub/whole", ".whole", "whole.yaml"])
    def test_paths_are_refused(self, write: Write, target: str) -> None:
        problem = only("a", write(a=f"extends: {target}"))
        assert "must be lower-case letters" in problem.message
        assert problem.location.line == 1

    def test_an_unknown_one_offers_the_nearest(self, write: Write) -> None:
        problem = only("a", write(a="tier: staging\nextends: whol"))
        assert (problem.location.line, problem.location.column) == (2, 10)
        assert problem.hint == "did you mean whole?"

    def test_a_problem_in_the_base_is_told_where_it_is(self, write: Write) -> None:
        directory = write(base="extends: whole\nproxy: {debug_logging: 1}", a="extends: base\nx: 1")
        found = problems("a", directory)
        assert [problem.location.file.name for problem in found] == ["a.yaml", "base.yaml"]

    def test_the_header_is_not_inherited(self, write: Write) -> None:
        directory = write(base="extends: whole\nabstract: true", a="extends: base")
        assert load("a", directory).name == "a"
        with pytest.raises(EnvironmentInvalid, match="base is abstract"):
            load("base", directory)

    def test_a_changed_file_is_read_again(self, write: Write) -> None:
        load("whole", write())
        directory = write(whole=load_text(write()).replace("max_size: 2", "max_size: 12"))
        assert load("whole", directory).settings.workers.max_size == 12


def load_text(directory: Path) -> str:
    return (directory / "whole.yaml").read_text()


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["../whole", "/etc/passwd", "a/b", ".whole", "", "Whole", "a--b", "a\nb", "a\x1b", "ü"],
    )
    def test_no_path_is_a_name(self, write: Write, name: str) -> None:
        with pytest.raises(EnvironmentInvalid, match="cannot be an environment") as caught:
            load(name, write())
        assert str(caught.value).isprintable()
        assert caught.value.exit_code == 3

    def test_unknown(self, write: Write) -> None:
        with pytest.raises(EnvironmentInvalid, match="no environment hole") as caught:
            load("hole", write())
        assert caught.value.hint == "did you mean whole?"
        with pytest.raises(EnvironmentInvalid) as caught:
            load("zzz", write(base="abstract: true"))
        assert caught.value.hint == "environments here: whole"

    def test_the_other_ending_is_explained(self, write: Write) -> None:
        directory = write()
        (directory / "old.yml").write_text("extends: whole")
        with pytest.raises(EnvironmentInvalid) as caught:
            load("old", directory)
        assert caught.value.hint == "rename old.yml to old.yaml"

    def test_a_link_must_stay_inside(self, write: Write, tmp_path_factory: Any) -> None:
        directory = write()
        outside = tmp_path_factory.mktemp("outside") / "x.yaml"
        outside.write_text(load_text(directory))
        (directory / "out.yaml").symlink_to(outside)
        (directory / "in.yaml").symlink_to(directory / "whole.yaml")
        (directory / "loop.yaml").symlink_to(directory / "loop.yaml")
        (directory / "dangling.yaml").symlink_to(directory / "nothing.yaml")
        assert load("in", directory).settings.tier == "development"
        for name, reason in (("out", "outside"), ("loop", "read"), ("dangling", "No such file")):
            with pytest.raises(EnvironmentInvalid, match=reason):
                load(name, directory)

    def test_what_is_no_file(self, write: Write) -> None:
        directory = write()
        (directory / "folder.yaml").mkdir()
        os.mkfifo(directory / "pipe.yaml")
        for name in ("folder", "pipe"):
            with pytest.raises(EnvironmentInvalid, match="is not a file"):
                load(name, directory)

    def test_a_missing_directory(self, tmp_path: Path) -> None:
        for call in (names, listing, lambda directory: load("a", directory)):
            with pytest.raises(EnvironmentInvalid, match="cannot read the directory"):
                call(tmp_path / "nothing")

    def test_listing_does_not_judge(self, write: Write) -> None:
        directory = write(base="abstract: true", broken="a: [", wrong="extends: base\ntier: 7")
        (directory / "Not A Name.yaml").write_text("")
        (directory / "notes.txt").write_text("")
        entries = {entry.name: entry for entry in listing(directory)}
        assert tuple(entries) == names(directory) == ("base", "broken", "whole", "wrong")
        assert entries["base"].abstract
        assert not entries["whole"].abstract
        assert entries["wrong"].extends == "base"
        assert entries["broken"].problem is not None
        assert [name for name, entry in entries.items() if entry.problem] == ["broken"]


class TestOrigin:
    def test_where_values_come_from(self, write: Write) -> None:
        directory = write(
            child="extends: whole\nproxy:\n  idle_client_timeout: 5m\nusers:\n  app: {}\ntags: {}\n"
            "lambda_clients:\n  - name: f\n    security_group_id: sg-0a1b2c3d\n    role_name: r\n"
            "    reserved_concurrency: 1\n"
        )
        environment = load("child", directory)

        def place(*path: str | int) -> str | None:
            location = environment.origin(*path).location
            return f"{location.file.name}:{location.line}" if location else None

        assert place("proxy", "idle_client_timeout") == "child.yaml:3"
        assert place("proxy", "idle_client_timeout", "seconds") == "child.yaml:3"
        assert place("proxy") == "child.yaml:2"
        assert place("proxy", "connection_pool", "max_connections_percent") == "whole.yaml:20"
        assert place("proxy", "require_tls") is None
        assert place("alarms", "topic_arns") is None
        assert place("state", "key") is None
        assert place("users", "app", "username") == "whole.yaml:25"
        assert place("tags") == "child.yaml:6"
        assert place("tags", "team") is None
        assert place("lambda_clients", 0) == "child.yaml:8"
        assert place("lambda_clients", 0, "role_name") == "child.yaml:10"
        assert place("lambda_clients", 0, "user") is None
        assert place("lambda_clients", 7, "name") is None
        assert place("nonsense") is None
        origin = environment.origin("lambda_clients", 0, "name")
        assert origin.dotted == "lambda_clients[0].name"
        assert str(origin).endswith("child.yaml:8:11  lambda_clients[0].name")

    def test_every_origin_is_a_written_value_in_its_file(self, write: Write) -> None:
        environment = load("child", write(child="extends: whole\ntier: staging"))
        for location in environment.origins.values():
            assert location.file in environment.files
            assert location.line <= len(location.file.read_text().splitlines())


def test_two_hundred_environments_load_in_seconds(write: Write) -> None:
    directory = write(**{f"e{number}": "extends: whole\ntier: staging" for number in range(200)})
    start = time.process_time()
    for number in range(200):
        load(f"e{number}", directory)
    assert time.process_time() - start < 5
