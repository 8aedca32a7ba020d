"""The owner's tags file: read when it changes, never in force while broken, edited without losing a comment."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyocpp.config import TagsConfig
from tinyocpp.errors import ConfigError, Malformed, NotPermitted, StorageError
from tinyocpp.messages.types import AuthorizationStatus as Status
from tinyocpp.storage import tagedit
from tinyocpp.storage.files import write_whole
from tinyocpp.storage.tagfile import TagFile, parse
from tinyocpp.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ONE = '[[tag]]\nid = "0500"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tags.toml"


def open_file(file: Path, **policy: str) -> TagFile:
    kept = str(file.with_name("kept.toml"))
    return TagFile(str(file), TagsConfig(**policy), UTC, last_good=kept)  # type: ignore[arg-type]


def allowed(tags: TagFile, id_tag: str) -> bool:
    return tags.judge(id_tag, NOW).status is Status.ACCEPTED


def touch(file: Path, text: str, *, age_s: float = 10.0) -> None:
    """Write in place, as some editors do, `age_s` ago."""
    file.write_text(text, encoding="utf-8")
    then = datetime.now(UTC).timestamp() - age_s
    os.utime(file, (then, then))


# --- what is in it


def test_everything_a_tag_can_have() -> None:
    data = b"""
        # who may charge
        [[tag]]
        id = "04A2B3C4"         # Anna's card
        name = "Anna M\xc3\xbcller"
        group = "family"
        expires = 2026-12-31
        blocked = true
        transactions = 2
        mode = "min+solar"

        [[tag]]
        id = "05 00"
        expires = 2026-12-31T12:00:00+01:00

        [[tag]]
        id = "0600"
        expires = "2026-12-31"  # quoted, as people do
        [[tag]]
        id = "0700"
        expires = "2026-12-31T12:00:00"
    """

    assert parse(data, "tags.toml") == [
        Tag("04A2B3C4", "Anna Müller", "family", date(2026, 12, 31), True, 2, "min+solar"),
        Tag("05 00", expires=datetime(2026, 12, 31, 12, tzinfo=timezone(timedelta(hours=1)))),
        Tag("0600", expires=date(2026, 12, 31)),
        Tag("0700", expires=datetime(2026, 12, 31, 12)),  # noqa: DTZ001
    ]


BROKEN = {
    "cut off": ('[[tag]]\nid = "04', ":2: not TOML: Unterminated string"),
    "an unknown key": (ONE + "blokced = true", ":1: tag.blokced: unknown key; did you mean 'blocked'?"),
    "no id": ('[[tag]]\nname = "Anna"', ":1: tag: id is missing"),
    "no quotes": (ONE + "\n[[tag]]\nid = 12345678", ":4: tag.id: must be text in quotes, not 12345678"),
    "twice": (ONE + '[[tag]]\nid = "0500 "', ":3: tag.id: '0500 ' is there twice; remove one"),
    "one bracket": ('[tag]\nid = "0500"', ": tag: there can be many; write [[tag]] with two brackets"),
    "no such mode": (
        ONE + 'mode = "sun"',
        ':1: tag.mode: \'sun\' is not possible; write "off" or "fast" or "solar" or "min+solar"',
    ),
    "another table": (ONE + "[tags]\nx = 1", ": tags: unknown key; did you mean 'tag'?"),
    "too long": (
        '[[tag]]\nid = "0500"\ngroup = "000000000000000000000"',
        ":1: tag.group: '000000000000000000000' is longer than 20 characters; shorten it",
    ),
    "no date": (
        ONE + 'expires = "soon"',
        ":1: tag.expires: 'soon' is not a date; write one such as 2026-12-31",
    ),
    "a time of day": (
        ONE + "expires = 12:00:00",
        ":1: tag.expires: '12:00:00' is not a date; write one such as 2026-12-31",
    ),
    "in one line": (
        'tag = [{id = ""}]',
        ": tag.id: is empty; whose an empty tag is says [tags] empty in the configuration",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_said_with_line_key_and_remedy(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), "tags.toml")

    assert str(caught.value) == f"tags.toml{message}"


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text("[]tagid=\"'#\n {}.,09-", max_size=60).map(str.encode)))
def test_whatever_the_file_holds_it_is_read_or_refused(data: bytes) -> None:
    try:
        tags = parse(data, "tags.toml")
    except ConfigError as error:
        said = str(error)
    else:
        said = f"tags.toml: {len(tags)}"
    assert said.startswith("tags.toml")
    assert "\n" not in said


# --- following it


def test_a_missing_file_is_an_empty_list_and_appears_when_it_is_written(file: Path) -> None:
    tags = open_file(file)
    assert (len(tags), tags.trouble, tags.reload_if_changed()) == (0, "", None)

    tagedit.put(str(file), Tag("0500", "Anna"))

    assert tags.reload_if_changed() == f"{file}: read, 1 tag"
    assert tags.find("0500") == Tag("0500", "Anna")
    assert list(tags) == [Tag("0500", "Anna")]
    assert tags.reload_if_changed() is None


def test_an_unchanged_file_is_not_read_again(file: Path) -> None:
    touch(file, ONE)
    tags = open_file(file)
    before = os.stat(file).st_atime_ns

    os.utime(file, ns=(1, os.stat(file).st_mtime_ns))
    tags.reload_if_changed()  # the change of atime shows in ctime
    assert tags.reload_if_changed() is None
    assert allowed(tags, "0500")
    assert before != os.stat(file).st_atime_ns


def test_a_second_change_within_one_tick_of_the_clock_is_not_missed(file: Path) -> None:
    touch(file, ONE, age_s=0)
    stat = os.stat(file)
    tags = open_file(file)

    file.write_text(ONE.replace("0500", "0600"), encoding="utf-8")  # same size, same file
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10_000_000_000))  # the tick is over

    assert tags.reload_if_changed() == f"{file}: read, 1 tag"
    assert allowed(tags, "0600")


def test_a_broken_file_changes_nothing_and_says_so_once(file: Path) -> None:
    touch(file, ONE)
    tags = open_file(file)

    touch(file, ONE + "id = ", age_s=9)
    news = tags.reload_if_changed()

    assert news is not None
    assert news.startswith(f"{file}:3: not TOML")
    assert news.endswith("; until then the last good list of 1 tag is in force")
    assert news.startswith(tags.trouble)
    assert allowed(tags, "0500")
    touch(file, ONE + "id = ", age_s=8)
    assert tags.reload_if_changed() is None, "the same trouble is not news"

    touch(file, ONE, age_s=7)
    assert tags.reload_if_changed() == f"{file}: read, 1 tag"
    assert tags.trouble == ""


def test_a_broken_file_at_the_start_leaves_the_last_good_list_in_force(file: Path) -> None:
    touch(file, ONE)
    open_file(file)
    touch(file, "nonsense")

    tags = open_file(file)

    assert allowed(tags, "0500")
    news = tags.reload_if_changed()
    assert news is not None
    assert news.startswith(f"{file}:1: not TOML")
    assert tags.reload_if_changed() is None


def test_a_broken_file_at_the_very_first_start_allows_nobody(file: Path) -> None:
    touch(file, "nonsense")
    tags = open_file(file)

    assert not allowed(tags, "0500")
    assert tags.trouble


def test_a_copy_that_is_broken_too_is_as_none(file: Path) -> None:
    touch(file, "nonsense")
    file.with_name("kept.toml").write_bytes(b"\xff")

    assert len(open_file(file)) == 0
    assert len(TagFile(str(file), TagsConfig(), UTC)) == 0, "and so is no copy"


def test_without_a_place_for_a_copy_none_is_kept(file: Path) -> None:
    touch(file, ONE)

    assert allowed(TagFile(str(file), TagsConfig(), UTC), "0500")
    assert [entry.name for entry in file.parent.iterdir()] == ["tags.toml"]


def test_a_file_that_vanishes_while_we_run_locks_nobody_out(file: Path) -> None:
    touch(file, ONE)
    tags = open_file(file)

    file.unlink()

    assert tags.reload_if_changed() == (
        f"{file}: is gone; write an empty file to let nobody charge; until then the last good list of 1 tag is in force"
    )
    assert allowed(tags, "0500")
    touch(file, "")
    assert tags.reload_if_changed() == f"{file}: read, 0 tags"
    assert not allowed(tags, "0500")
    file.unlink()
    assert len(open_file(file)) == 0, "missing at the start is an empty list"


def test_a_file_that_cannot_be_read_is_a_broken_one(file: Path) -> None:
    touch(file, ONE)
    tags = open_file(file)
    file.unlink()
    file.mkdir()

    assert str(tags.reload_if_changed()).startswith(f"{file}: Is a directory; until then")
    assert allowed(tags, "0500")
    assert allowed(open_file(file), "0500")


def test_a_file_that_could_not_be_read_for_a_moment_is_read_when_it_can(file: Path) -> None:
    touch(file, ONE)
    tags = open_file(file)
    touch(file, ONE.replace("0500", "0600"), age_s=9)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with file.open("rb") as last:
        resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1, hard))
        try:
            said = [tags.reload_if_changed() for _ in range(3)]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert said == [f"{file}: Too many open files; until then the last good list of 1 tag is in force", None, None]
    assert tags.reload_if_changed() == f"{file}: read, 1 tag"
    assert allowed(tags, "0600")


def test_nobody_waits_for_what_a_pipe_may_say(file: Path) -> None:
    """A listener would stand still, with all its chargers."""
    touch(file, ONE)
    tags = open_file(file)
    file.unlink()
    os.mkfifo(file)

    assert str(tags.reload_if_changed()).startswith(f"{file}: Is not a file; until then")
    assert allowed(tags, "0500")
    assert allowed(open_file(file), "0500")
    with pytest.raises(StorageError, match="Is not a file"):
        tagedit.put(str(file), Tag("0600"))


def test_the_copy_is_written_only_when_the_list_has_changed(file: Path) -> None:
    touch(file, ONE)
    open_file(file)
    kept = file.with_name("kept.toml")
    before = kept.stat()

    open_file(file)

    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert kept.read_text() == ONE
    assert before.st_mode & 0o777 == 0o600


def test_a_copy_that_cannot_be_kept_takes_nothing_from_the_list(file: Path) -> None:
    touch(file, ONE)
    tags = TagFile(str(file), TagsConfig(), UTC, last_good=f"{file}/no/such/place")

    assert allowed(tags, "0500")
    assert str(tags.reload_if_changed()).endswith("a broken tags file after a restart would let nobody charge")


# --- editing it

HOUSE = """\
# The house. Do not change without asking Anna.

[[tag]]   # the first
  id = "0500"     # on the key ring
  name = "Anna"

# The neighbour
[[tag]]
name = "Bert"
id = '0600'
blocked = false # until he pays

# the end
"""


def test_a_new_tag_goes_to_the_end(file: Path) -> None:
    file.write_text(HOUSE)

    tagedit.put(str(file), Tag("0700", 'C"leo\\', "family", date(2026, 12, 31), transactions=2))

    assert file.read_text() == (
        HOUSE
        + """
[[tag]]
id = "0700"
name = "C\\"leo\\\\"
group = "family"
expires = 2026-12-31
transactions = 2
"""
    )


def test_a_known_tag_is_changed_where_it_stands(file: Path) -> None:
    file.write_text(HOUSE)

    tagedit.put(str(file), Tag("0500", "Anna", "family"))
    tagedit.put(str(file), Tag("0600", "Bert", blocked=True))

    assert file.read_text() == HOUSE.replace('name = "Anna"\n', 'name = "Anna"\ngroup = "family"\n').replace(
        "blocked = false", "blocked = true"
    )


def test_an_expiry_can_be_taken_back(file: Path) -> None:
    file.write_text(ONE + "expires = 2026-12-31\n# the end")

    tagedit.put(str(file), Tag("0500"))

    assert file.read_text() == ONE + "# the end"


def test_removing_keeps_every_comment_of_others(file: Path) -> None:
    file.write_text(HOUSE)

    assert tagedit.remove(str(file), "0500 ")
    assert file.read_text() == HOUSE.replace(
        '[[tag]]   # the first\n  id = "0500"     # on the key ring\n  name = "Anna"\n\n', ""
    )
    assert tagedit.remove(str(file), "0600")
    assert file.read_text() == ("# The house. Do not change without asking Anna.\n\n# The neighbour\n# the end\n")
    assert not tagedit.remove(str(file), "0600")
    assert tagedit.read(str(file)) == []


def test_the_first_tag_makes_the_file_and_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "new" / "tags.toml"

    tagedit.put(str(file), Tag("0500", "Anna"))

    assert file.read_text() == '[[tag]]\nid = "0500"\nname = "Anna"\n'
    assert [entry.name for entry in file.parent.iterdir()] == ["tags.toml"], "no lock, no temporary file"


def test_a_file_without_a_last_newline(file: Path) -> None:
    file.write_text('[[tag]]\nid = "0500"')

    tagedit.put(str(file), Tag("0600"))
    tagedit.put(str(file), Tag("0600", "Bert"))

    assert file.read_text() == '[[tag]]\nid = "0500"\n\n[[tag]]\nid = "0600"\nname = "Bert"\n'


def test_mode_and_link_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "tags.toml"
    real.write_text(ONE)
    real.chmod(0o640)
    link.symlink_to("real.toml")

    tagedit.put(str(link), Tag("0600"))

    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert len(tagedit.read(str(real))) == 2


REFUSED = {
    "broken": ("id = ", ":1: not TOML: Invalid value"),
    "tags in one line": (
        'tag = [{id = "0500"}]',
        ": can be edited by hand only, unless each tag is written as a [[tag]] table",
    ),
    "a tag in a text": (
        '[[tag]]\nid = "0500"\nname = """\n[[tag]]"""',
        ": can be edited by hand only, unless each tag is written as a [[tag]] table",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_edited_safely_is_left_alone(file: Path, text: str, message: str) -> None:
    file.write_text(text)

    with pytest.raises(ConfigError) as caught:
        tagedit.put(str(file), Tag("0700"))

    assert str(caught.value).startswith(f"{file}{message}")
    assert file.read_text() == text


def test_a_tag_that_no_file_may_hold_is_not_written(file: Path) -> None:
    with pytest.raises(Malformed, match="longer than 255"):
        tagedit.put(str(file), Tag("0" * 256))

    assert not file.exists()


def test_a_folder_that_is_a_file(file: Path) -> None:
    file.write_text("")

    with pytest.raises(StorageError, match="File exists"):
        tagedit.put(str(file / "tags.toml"), Tag("0500"))


@pytest.fixture
def nobody() -> Iterator[None]:
    """Root may write everywhere, so be somebody else for a while."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    yield
    os.seteuid(me)


def test_a_folder_one_may_not_write_to(nobody: None) -> None:
    with pytest.raises(NotPermitted, match=r"^/usr/tags.toml: Permission denied; ask its owner, or use sudo$"):
        tagedit.put("/usr/tags.toml", Tag("0600"))


def test_a_failing_write_leaves_the_old_file_and_no_litter(file: Path) -> None:
    file.mkdir()

    with pytest.raises(OSError, match="directory"):
        write_whole(str(file), b"x", mode=0o600)

    assert [entry.name for entry in file.parent.iterdir()] == ["tags.toml"]


def test_two_editors_wait_for_each_other(file: Path) -> None:
    code = (
        "import sys; from tinyocpp.storage import tagedit; from tinyocpp.tags import Tag\n"
        "for n in range(10): tagedit.put(sys.argv[1], Tag(f'{sys.argv[2]}{n}'))"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    editors = [subprocess.Popen([sys.executable, "-c", code, str(file), who], env=environ) for who in "ABC"]

    assert [editor.wait(60) for editor in editors] == [0, 0, 0]
    assert {tag.id for tag in tagedit.read(str(file))} == {f"{who}{n}" for who in "ABC" for n in range(10)}


PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)


ROWS = st.tuples(PRINTABLE, PRINTABLE, st.dates() | st.none(), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4), st.data())
def test_what_is_put_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, date | None, bool]], data: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("tags") / "tags.toml"
    file.write_text("# mine\n")
    wanted: dict[str, Tag] = {}
    for id_tag, name, expires, blocked in rows:
        wanted[id_tag.casefold()] = Tag(id_tag, name, expires=expires, blocked=blocked)
        tagedit.put(str(file), wanted[id_tag.casefold()])
    assert tagedit.read(str(file)) == list(wanted.values())
    gone = data.draw(st.sampled_from(sorted(wanted)))
    assert tagedit.remove(str(file), gone)
    assert tagedit.read(str(file)) == [tag for key, tag in wanted.items() if key != gone]
    assert file.read_text().startswith("# mine\n")
