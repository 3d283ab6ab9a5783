"""Progress goes to the error stream only, sparsely, and never interprets markup."""

import io

from gradlemma.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_are_sparse() -> None:
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        stage = progress.stage("points", total=1000)
        for _ in range(1000):
            stage.advance()
        progress.stage("other\x1b[2J")
    assert stream.getvalue() == "points: 0/1000\nother\\x1b[2J\n"
    assert stage.done == 1000


def test_quiet_says_nothing() -> None:
    for stream in (io.StringIO(), Terminal()):
        with Progress(quiet=True, stream=stream) as progress:
            progress.stage("points", total=3).update(2)
        assert stream.getvalue() == ""


def test_titles_on_a_terminal_appear_as_they_are() -> None:
    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress.stage("[red]points[/red]", total=3).advance(3)
        progress.stage("next").advance()
    assert "[red]points[/red]" in stream.getvalue()
