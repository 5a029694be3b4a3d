"""Which WAL is missing from an archive, also where timelines branch off."""

from deploy.backups.program.segments import Segment, branches, gap_after, history_files, missing, segment_names

MIB = 1024**2
SIZE = 16 * MIB


def segments(timeline: int, *numbers: int) -> list[Segment]:
    return [Segment(timeline, number) for number in numbers]


def test_a_segment_is_a_timeline_and_a_number() -> None:
    segment = Segment.of("0000000200000001000000FF", SIZE)
    assert segment == Segment(2, 256 + 255)
    assert segment.name(SIZE) == "0000000200000001000000FF"
    # Larger segments, as `initdb --wal-segsize` makes them, have fewer in each of the two parts.
    assert Segment.of("000000010000000100000003", 64 * MIB) == Segment(1, 64 + 3)


def test_segments_are_told_from_what_else_is_in_an_archive() -> None:
    digest = "0" * 40
    paths = [
        f"0000000100000000/000000010000000000000001-{digest}.zst",
        f"0000000100000000/000000010000000000000002-{digest}",
        "0000000100000000/000000010000000000000002.00000028.backup",
        f"0000000100000000/000000010000000000000003.partial-{digest}.zst",
        "00000002.history",
    ]
    assert segment_names(paths) == {"000000010000000000000001", "000000010000000000000002"}
    assert history_files(paths) == {2: "00000002.history"}


def test_nothing_is_missing_from_a_whole_archive() -> None:
    needed = [(Segment(1, 2), Segment(1, 3))]
    assert list(missing(segments(1, 2, 3, 4, 5), needed, {})) == []
    # What is older than the oldest backup is needed by nobody, and so is WAL without any backup.
    assert list(missing(segments(1, 0, 2, 3), needed, {})) == []
    assert list(missing(segments(1, 0, 4), [], {})) == []


def test_holes_are_found_in_the_middle_and_inside_a_backup() -> None:
    needed = [(Segment(1, 2), Segment(1, 4))]
    assert list(missing(segments(1, 2, 4, 7, 8), needed, {})) == [
        (Segment(1, 3), Segment(1, 3)),
        (Segment(1, 5), Segment(1, 6)),
    ]
    # A backup whose last segments never came.
    assert list(missing(segments(1, 2), needed, {})) == [(Segment(1, 3), Segment(1, 4))]


def test_the_places_where_a_timeline_was_left_are_in_its_history() -> None:
    history = "1\t0/5000028\tno recovery target specified\n\n2\t1/A000000\tbefore 2026-01-01\n"
    assert branches(history, SIZE) == [Segment(1, 5), Segment(2, 256 + 10)]


def test_a_new_timeline_goes_on_where_the_old_one_was_left() -> None:
    needed = [(Segment(1, 2), Segment(1, 2))]
    left = {2: segments(1, 4)}
    assert list(missing([*segments(1, 2, 3), *segments(2, 4, 5)], needed, left)) == []
    # What the old one had written beyond that place is of a lost history, but of one that is kept.
    assert list(missing([*segments(1, 2, 3, 4, 6), *segments(2, 4)], needed, left)) == [(Segment(1, 5), Segment(1, 5))]
    assert list(missing([*segments(1, 2), *segments(2, 4)], needed, left)) == [(Segment(1, 3), Segment(1, 3))]
    assert list(missing([*segments(1, 2, 3), *segments(2, 5)], needed, left)) == [(Segment(2, 4), Segment(2, 4))]


def test_only_backups_of_the_new_timeline_need_nothing_of_the_old_one() -> None:
    needed = [(Segment(2, 9), Segment(2, 9))]
    assert list(missing([*segments(1, 2), *segments(2, 9, 10)], needed, {2: segments(1, 4)})) == []


def test_what_a_restore_would_take_for_the_end_is_found() -> None:
    history = [*segments(1, 3, 4), *segments(2, 5, 6, 8)]
    assert gap_after(Segment(1, 3).name(SIZE), history) == Segment(2, 7).name(SIZE)
    assert gap_after(Segment(2, 8).name(SIZE), history) is None
    assert gap_after(Segment(1, 3).name(SIZE), history[:-1]) is None
    assert gap_after(Segment(1, 9).name(SIZE), history) is None
