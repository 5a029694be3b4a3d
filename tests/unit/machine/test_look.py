"""Questions in bulk, as a real shell answers them."""

import subprocess
from pathlib import Path

import pytest

from deploy.machine.files import File, Files, ManagedFile
from deploy.machine.psql import DATABASE_ABSENT, SERVER_DOWN, Queries
from deploy.machine.questions import Ask, Bulk


def _shell(command: str, stdin: str = "") -> list[str]:
    done = subprocess.run(["sh", "-c", command], input=stdin, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def _bulk(*commands: str) -> dict[int, list[str]]:
    bulk = Bulk()
    return bulk.process(_shell(bulk.command([]), Bulk.script(commands)))


def test_each_answer_is_found_again_whichever_stream_it_came_from() -> None:
    assert _bulk(*(f"echo {number}; echo and {number}" for number in range(10))) == {
        number: [str(number), f"and {number}"] for number in range(10)
    }


def test_what_failed_has_no_answer_and_leaves_the_others_alone() -> None:
    assert _bulk("echo a", "echo b; exit 3", "set -e; false; echo c", "nonsense-of-a-command", "echo e") == {
        0: ["a"], 4: ["e"],
    }  # fmt: skip


@pytest.mark.parametrize(("command", "lines"), [("true", []), ("printf x", ["x"]), ("printf 'x\\n\\n'", ["x", ""])])
def test_output_is_as_it_was(command: str, lines: list[str]) -> None:
    assert _bulk("echo before", command, "echo after")[1] == lines


def test_no_command_takes_what_belongs_to_others() -> None:
    assert _bulk(*["cat; echo end"] * 6) == {number: ["end"] for number in range(6)}


def test_more_than_a_pipe_holds() -> None:
    answers = _bulk(*["seq 30000"] * 4)
    assert [len(lines) for _, lines in sorted(answers.items())] == [30000] * 4


def _owner(path: Path) -> str:
    return f"{path.owner()}:{path.group()}"


def test_files_together_are_what_each_of_them_is(tmp_path: Path) -> None:
    contents = {
        "text": b"one\ntwo\n",
        "no end": b"x",
        "binary": bytes(range(256)) * 300,
        "empty": b"",
        "a'b $HOME": b"y",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o640)
    (tmp_path / "link").symlink_to("text")
    (tmp_path / "folder").mkdir()
    names = ["absent", *contents, "folder", "link", "absent too"]
    asks = [Ask(ManagedFile, path=str(tmp_path / name)) for name in names]

    together = Files().split(_shell(Files().command(asks)), asks)

    fact = ManagedFile()
    answers = dict(zip(names, (fact.process(lines) if lines else fact.default() for lines in together), strict=True))
    owner = _owner(tmp_path)
    expected = {name: File(content, "640", owner) for name, content in contents.items()}
    assert answers == dict.fromkeys(names) | expected | {"link": expected["text"]}
    for ask, answer in zip(asks, answers.values(), strict=True):
        lines = _shell(ask.command())
        assert (fact.process(lines) if lines else fact.default()) == answer


def test_no_file_at_all(tmp_path: Path) -> None:
    asks = [Ask(ManagedFile, path=str(tmp_path / name)) for name in "ab"]
    assert Files().split(_shell(Files().command(asks)), asks) == [[], []]


def test_a_file_that_grew_between_its_size_and_its_content_answers_nothing() -> None:
    asks = [Ask(ManagedFile, path=name) for name in "ab"]
    assert Files().split(["+", "+", "1 644 root:root", "1 644 root:root", "YWJj"], asks) == []


@pytest.mark.parametrize("word", [SERVER_DOWN, DATABASE_ABSENT])
def test_a_server_that_cannot_be_asked_says_so_to_all_queries(word: str) -> None:
    asks = [Ask(ManagedFile, path=name) for name in "abc"]
    assert Queries("postgres").split([word], asks) == [[word]] * 3
