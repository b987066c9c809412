"""Whatever happens inside, a command ends in one line and in a documented exit code."""

import builtins
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lxml import etree
from osgeo import gdal, ogr

from alcd_otb.cli.boundary import run_command
from alcd_otb.errors import AlcdError, ProductError, WorkspaceLockedError
from otb_pipelines.app import Application
from otb_pipelines.errors import OtbMissingError
from otb_pipelines.settings import default_settings

DOCUMENTED = {0, 2, 3, 4, 5, 6, 7, 9, 10, 129, 130, 143}


def ended(error: BaseException, capsys: pytest.CaptureFixture[str], *verbosity: int) -> tuple[int, str]:
    """The exit code and the standard error of a command inside of which an exception is raised."""

    def work() -> int:
        raise error

    code = run_command(work, verbosity)
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err


def told(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The same, held to one line."""
    code, errors = ended(error, capsys)
    (line,) = errors.splitlines()
    assert line.startswith("ERROR: ")
    assert code in DOCUMENTED - {0}
    return code, line.removeprefix("ERROR: ")


@pytest.mark.parametrize("number", sorted(errno.errorcode), ids=errno.errorcode.get)
def test_every_error_of_the_operating_system(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    code, line = told(OSError(number, os.strerror(number), "a\nfolder/file"), capsys)
    assert code == 5
    assert line.startswith(f"a\\nfolder/file: {os.strerror(number)}; ")


def every_exception() -> list[type[Exception]]:
    found = [kind for kind in vars(builtins).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return sorted({*found}, key=lambda kind: kind.__name__)


def made(kind: type[Exception]) -> Exception:
    if issubclass(kind, UnicodeDecodeError):
        return kind("utf-8", b"\xff", 0, 1, "invalid start byte")
    if issubclass(kind, UnicodeEncodeError):
        return kind("utf-8", "\udcff", 0, 1, "surrogates not allowed")
    if issubclass(kind, UnicodeTranslateError):
        return kind("x", 0, 1, "unknown")
    return kind("wrong", [ValueError("one")]) if issubclass(kind, ExceptionGroup) else kind("wrong\x1b[2J\nso")


@pytest.mark.parametrize("kind", every_exception(), ids=lambda kind: kind.__name__)
def test_every_exception_of_python(kind: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
    told(made(kind), capsys)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ProductError("a.SAFE: no band"), 3, "a.SAFE: no band"),
        (WorkspaceLockedError("held"), 7, "held"),
        (AlcdError("of no kind"), 5, "of no kind"),
        (OtbMissingError("no OTB"), 6, "no OTB; run: python -m alcd_otb doctor"),
        (ModuleNotFoundError("No module named 'osgeo'", name="osgeo"), 6, "run: apt-get install python3-gdal"),
        (MemoryError(), 5, "memory ran out; use a smaller --ram"),
        (KeyError("x"), 5, "this is a bug in alcd_otb (KeyError: 'x'); report it "),
        (KeyboardInterrupt(), 130, "interrupted"),
        # That of a child, say: the one of standard output is no error.
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 5, "Broken pipe"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_is_said(error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended_with, line = told(error, capsys)
    assert ended_with == code
    assert words in line


def raised_by_gdal() -> Exception:
    with pytest.raises(RuntimeError) as caught:
        gdal.Open("nowhere.tif")
    return caught.value


def raised_by_ogr() -> Exception:
    with pytest.raises(RuntimeError) as caught:
        ogr.CreateGeometryFromWkt("POINT (")
    return caught.value


def raised_by_otb() -> Exception:
    with pytest.raises(RuntimeError) as caught:
        Application("ConcatenateImages", {"il": "nowhere.tif"}, default_settings()).execute()
    return caught.value


def raised_by_lxml() -> Exception:
    with pytest.raises(etree.XMLSyntaxError) as caught:
        etree.fromstring("<a>")
    return caught.value


@pytest.mark.parametrize("raised", [raised_by_gdal, raised_by_ogr, raised_by_otb, raised_by_lxml])
def test_errors_of_libraries(raised: object, capsys: pytest.CaptureFixture[str]) -> None:
    error = raised()  # type: ignore[operator]
    code, line = told(error, capsys)
    assert code == 5
    assert str(error).split()[0] in line


def test_a_traceback_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Traceback" not in ended(ValueError("x"), capsys, 1)[1]
    code, errors = ended(ValueError("x"), capsys, 1, 1)
    assert code == 5
    assert "Traceback" in errors
    assert errors.splitlines()[-1] == "ValueError: x"


# The tests below start processes.

PYTHON = (sys.executable, "-m", "alcd_otb")
SCRIPT = (str(Path(sys.executable).with_name("alcd-otb")),)


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash, in which $ALCD is the command line."""
    words = {**os.environ, "ALCD": " ".join(PYTHON), **environment}
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, env=words)


class TestStreams:
    @pytest.mark.parametrize("closed", range(8))
    def test_closed(self, closed: int, tmp_path: Path) -> None:
        """A file that the command writes is complete, and holds nothing of what was meant for a closed stream."""
        words = ("0<&-", "1>&-", "2>&-")
        closing = " ".join(word for bit, word in enumerate(words) if closed >> bit & 1)
        ran = shell(f"$ALCD styles clouds {tmp_path}/styles -vv {closing}")
        assert ran.returncode == 0, ran.stderr
        styles = sorted((tmp_path / "styles").glob("*.qml"))
        assert styles
        for style in styles:
            etree.parse(style)

    @pytest.mark.parametrize("command", ["schema", "--help", "--version"])
    def test_results_that_cannot_be_written(self, command: str) -> None:
        ran = shell(f"$ALCD {command} >/dev/full")
        assert ran.returncode == 5
        (line,) = ran.stderr.splitlines()
        assert line.startswith("ERROR: standard output cannot be written (No space left on device); ")

    @pytest.mark.parametrize(("command", "code"), [("schema", 0), ("run", 2), ("run nowhere.json -vv", 2)])
    def test_messages_that_cannot_be_written(self, command: str, code: int) -> None:
        assert shell(f"$ALCD {command} 2>/dev/full").returncode == code

    @pytest.mark.parametrize("command", ["schema", "--help"])
    def test_a_reader_who_leaves_ends_it_quietly(self, command: str) -> None:
        ran = shell(f"$ALCD {command} | true; exit ${{PIPESTATUS[0]}}")
        assert (ran.returncode, ran.stderr) == (0, "")

    def test_words_of_the_command_line_do_not_control_the_terminal(self) -> None:
        for words in ("run $'a\\e[2J.json'", "$'ma\\e[2Jrch'", "schema $'\\e[2J'"):
            ran = shell(f"$ALCD {words}")
            assert ran.returncode == 2
            assert "\x1b" not in ran.stderr
            assert "\\x1b[2J" in ran.stderr


class TestModules:
    """Where modules come from, and what is said where they are missing."""

    @pytest.mark.parametrize("program", [PYTHON, SCRIPT], ids=["module", "script"])
    def test_files_of_the_current_folder_are_not_run(self, program: tuple[str, ...], tmp_path: Path) -> None:
        if not Path(program[0]).exists():
            pytest.skip("the console script is not installed")
        trap = f"open({str(tmp_path / 'sprung')!r}, 'a').write(__name__ + ' ')\n"
        modules = (*sys.stdlib_module_names, "fiona", "lxml", "numpy", "osgeo", "otbApplication", "pydantic", "PIL")
        for name in modules:
            (tmp_path / f"{name}.py").write_text(trap)
        package = tmp_path / "attr"
        package.mkdir()
        (package / "__init__.py").write_text(trap)
        ran = subprocess.run([*program, "doctor"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert not (tmp_path / "sprung").exists(), (tmp_path / "sprung").read_text()
        assert ran.returncode == 0, ran.stderr

    @pytest.mark.parametrize(
        ("command", "module", "remedy"),
        [
            ("doctor", "osgeo", "apt-get install python3-gdal"),
            ("doctor", "numpy", "apt-get install python3-numpy"),
            ("run scene.json", "osgeo", "apt-get install python3-gdal"),
            ("run scene.json", "fiona", "apt-get install python3-fiona"),
            ("run scene.json", "lxml", "apt-get install python3-lxml"),
            ("schema", "pydantic", "pip install 'pydantic>=2,<3'"),
        ],
    )
    def test_one_that_is_missing(self, command: str, module: str, remedy: str, tmp_path: Path) -> None:
        missing = f"raise ModuleNotFoundError('No module named {module}', name='{module}')"
        (tmp_path / f"{module}.py").write_text(missing)
        path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        ran = shell(f"$ALCD {command}", PYTHONPATH=path)
        assert ran.returncode == 6, ran.stderr
        (line,) = ran.stderr.splitlines()
        assert line.startswith(f"ERROR: Python module {module} cannot be imported (")
        assert line.endswith(f"; run: {remedy}")


def test_an_ignored_signal_stays_ignored() -> None:
    """As nohup asks for."""
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def work() -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    try:
        assert run_command(work, ()) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_second_signal_does_not_disturb_the_cleaning_up(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    former = signal.signal(number, signal.SIG_DFL)
    cleaned = []

    def work() -> int:
        try:
            os.kill(os.getpid(), number)
            return 0
        finally:
            os.kill(os.getpid(), number)
            cleaned.append(True)

    try:
        assert run_command(work, ()) == code
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, former)
    assert cleaned == [True]
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_signal_while_an_object_is_destroyed_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    former = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    destroyed = []

    class Ending:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            destroyed.append(True)

    def work() -> int:
        ending: Ending | None = Ending()
        del ending
        # Python has dropped the exception here. The signal comes again.
        for _ in range(1000):
            time.sleep(0.01)
        return 0

    hook = sys.unraisablehook
    try:
        assert run_command(work, ()) == 143
        assert sys.unraisablehook is hook
    finally:
        signal.signal(signal.SIGTERM, former)
    assert capsys.readouterr().err.splitlines() == ["ERROR: terminated"]
