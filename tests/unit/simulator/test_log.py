import pytest

from services.simulator.log import LineFile, line


def opened(path):
    file = LineFile(path)
    return file, list(file.load())


def test_what_was_appended_is_there_after_opening_again(tmp_path):
    file, nothing = opened(tmp_path / "log")
    file.append([line({"n": 1}), line({"n": 2})])
    file.append([line({"n": 3})])
    file.close()

    again, entries = opened(tmp_path / "log")

    assert (nothing, entries) == ([], [{"n": 1}, {"n": 2}, {"n": 3}])
    assert again.read(after=1, limit=10) == b'{"n":2}\n{"n":3}\n'


@pytest.mark.parametrize("torn", [b"{", b'{"n":2', b'{"n":2}'])
def test_a_line_torn_by_a_kill_is_cut_off_and_the_next_one_is_whole(tmp_path, torn):
    path = tmp_path / "log"
    path.write_bytes(b'{"n":1}\n' + torn)

    file, entries = opened(path)
    file.append([line({"n": 2})])

    assert entries == [{"n": 1}]
    assert b'{"n":1}\n{"n":2}\n' == path.read_bytes() == file.read(0, 9)


@pytest.mark.parametrize(
    ("after", "limit", "expected"), [(0, 0, b""), (2, 5, b""), (9, 1, b""), (0, 1, b"1\n"), (1, 9, b"2\n")]
)
def test_a_page_ends_where_the_log_ends(tmp_path, after, limit, expected):
    file, _ = opened(tmp_path / "log")
    file.append([line(1), line(2)])

    assert expected == file.read(after, limit)
