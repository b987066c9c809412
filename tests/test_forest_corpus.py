"""The reader of random forests, under sanitizers, with the files that a fuzzer starts from."""

import platform
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
NATIVE = TESTS.parent / "otb_pipelines" / "native" / "forest"
CORPUS = sorted((TESTS / "forest_corpus").iterdir())

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")
SOURCES: dict[str, tuple[str, ...]] = {
    "fuzz_model_file": (),
    "forest": (),
    "model_file": (),
    "model_text": (),
    "walk": (),
    "walk_portable": (),
}
if platform.machine() in ("x86_64", "AMD64"):
    SOURCES |= {"walk_avx2": ("-mavx2",), "walk_avx512": ("-mavx512f", "-mavx512bw")}


def run(*command: str | Path) -> None:
    ended = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-5000:]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that reads the files given to it, built with g++."""
    folder = tmp_path_factory.mktemp("reader")

    def build(source: Path, flags: tuple[str, ...]) -> Path:
        built = folder / f"{source.stem}.o"
        headers = ("-I", NATIVE, "-isystem", "/usr/include/opencv4")
        run("g++", "-std=c++17", "-g", *SANITIZERS, *WARNINGS, *flags, *headers, "-c", source, "-o", built)
        return built

    sources = {NATIVE / f"{name}.cpp": flags for name, flags in SOURCES.items()} | {TESTS / "run_corpus.cpp": ()}
    with ThreadPoolExecutor(max_workers=2) as pool:
        objects = list(pool.map(build, sources.keys(), sources.values()))
    run("g++", *SANITIZERS, *objects, "-lopencv_core", "-o", folder / "reader")
    return folder / "reader"


def test_no_file_of_the_corpus_breaks_the_reader(reader: Path) -> None:
    assert len(CORPUS) > 10
    run("timeout", "60", reader, *CORPUS)
