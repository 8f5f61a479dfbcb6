"""What tools post, kept as files."""

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ingest.recorder import Recorder, masked_message
from ingest.sources import Post
from ingest.sources.message import read_message, write_message

NAMES = st.text("abcdef-", min_size=1, max_size=8).filter(lambda name: name == name.strip("-"))
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cc", "Z"]))


@given(
    st.binary(),
    st.dictionaries(NAMES, VALUES),
    st.dictionaries(NAMES, st.text()),
    st.sampled_from(["", "a/b"]),
)
def test_what_is_written_is_read_back(
    body: bytes, headers: dict[str, str], query: dict[str, str], path: str
) -> None:
    """Every byte of the body, line breaks of any kind among them, and all around it."""
    query = {key: value for key, value in query.items() if value.isprintable()}
    post = Post(body, 7, "x", headers, query, "PUT", path)

    assert read_message(write_message(post), "x", 7) == post


def test_secrets_are_masked() -> None:
    """In headers, in the query, and the key within an event for PagerDuty."""
    headers = {"authorization": "Bearer s1", "x-hub-signature-256": "s2", "x-trace": "7", "host": "h"}
    post = Post(b'{"routing_key": "s3", "a": 1}', 0, "x", headers, {"key": "s4", "b": "2"})

    assert masked_message(post).decode().split("\n") == [
        "POST /ingest/x?key=%2A%2A%2A&b=2 HTTP/1.1",
        "authorization: ***",
        "x-hub-signature-256: ***",
        "x-trace: 7",
        "",
        '{"routing_key": "***", "a": 1}',
        "",
    ]


async def record(recorder: Recorder, *posts: Post) -> list[bool]:
    """Have these written, by a recorder that is stopped afterwards."""
    noted = [recorder.note(post) for post in posts]
    recorder.stop()
    async with asyncio.timeout(10):
        await recorder.run()
    return noted


def bodies(folder: Path, source: str = "x") -> list[bytes]:
    """What is kept of a source, the oldest first."""
    return [
        read_message(path.read_bytes(), source, 0).body for path in sorted(folder.glob(f"{source}/*.http"))
    ]


def modes(folder: Path) -> list[int]:
    """Who may read what is there."""
    return [path.stat().st_mode & 0o777 for path in folder.glob("*/*")]


async def test_the_oldest_are_removed_also_those_of_another_process(tmp_path: Path) -> None:
    """Three are kept of five, whoever wrote them; each source has its own folder."""
    posts = [Post(b"%d" % number, 1_700_000_000_000 + number, "x") for number in range(5)]
    await record(Recorder(tmp_path, most_files=3), *posts[:2], Post(b"", 0, "y"))
    await record(Recorder(tmp_path, most_files=3), *posts[2:])

    assert bodies(tmp_path) == [b"2", b"3", b"4"]
    assert len(bodies(tmp_path, "y")) == 1
    assert {mode & 0o077 for mode in modes(tmp_path)} == {0}


async def test_bytes_are_bounded_on_disk_and_in_memory(tmp_path: Path) -> None:
    """The oldest make room on disk; what there is no memory for is not recorded."""
    posts = [Post(b"x" * 300, number, "x") for number in range(3)]
    noted = await record(Recorder(tmp_path, most_bytes=800), *posts)
    await record(Recorder(tmp_path, most_bytes=400), Post(b"last", 9, "x"))

    assert noted == [True, True, False]
    assert bodies(tmp_path) == [b"x" * 300, b"last"]


async def test_a_disk_that_fails_stops_nothing(tmp_path: Path) -> None:
    """What cannot be written is lost, and recording goes on with what can."""
    (tmp_path / "x").write_text("in the way")
    noted = await record(Recorder(tmp_path), *[Post(b"", 0, name) for name in "xxy"])

    assert noted == [True, True, True]
    assert len(bodies(tmp_path, "y")) == 1
