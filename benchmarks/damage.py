"""Damage JPEG 2000 bands at random, and count the fraction of pixel-changing damage that is found.

Usage: python benchmarks/damage.py [FILE.jp2 ...] [--mutants N] [--seed SEED] [--result RESULT.json]

Without files, bands of a synthetic product are damaged. Each kind of damage begins at random places behind the file's
header. OpenJPEG by itself refuses some of the damaged files, and decodes the others to pixels that are right or wrong;
those with wrong pixels are then read as in a run: by the check of the bytes, and by BandReading.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alcd_otb.errors import ProductError
from alcd_otb.products.damage import check_file
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import describing
from alcd_otb.raster.opening import JPEG2000, open_raster
from alcd_otb.synthetic.scene import make_scene
from otb_pipelines.app import Target
from otb_pipelines.errors import OtbError
from otb_pipelines.own_process import own_process
from otb_pipelines.process import gdal
from otb_pipelines.reading import Radiometry, build_band
from otb_pipelines.settings import Settings

_LENGTHS = (1, 4, 16, 64, 256, 1024, 4096)
_SETTINGS = Settings(ram=256, threads=2)
_START_OF_DATA = b"\xff\x93"

Pixels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Place:
    """Where a file is damaged: the first byte, how many, and the first byte of as many elsewhere."""

    begin: int
    length: int
    elsewhere: int


def draw(numbers: random.Random, content: bytes) -> Place:
    """Draw a place in the packets of a file."""
    first = content.index(_START_OF_DATA) + 2
    end = len(content) - 2
    length = min(numbers.choice(_LENGTHS), (end - first) // 2)
    return Place(numbers.randrange(first, end - length), length, numbers.randrange(first, end - length))


def flip_bit(numbers: random.Random, content: bytes, place: Place) -> bytes:
    """Change one bit."""
    damaged = bytearray(content)
    damaged[place.begin] ^= 1 << numbers.randrange(8)
    return bytes(damaged)


def put_random(numbers: random.Random, content: bytes, place: Place) -> bytes:
    """Change bytes to any others."""
    return content[: place.begin] + numbers.randbytes(place.length) + content[place.begin + place.length :]


def put_zeros(_numbers: random.Random, content: bytes, place: Place) -> bytes:
    """Change bytes to 0."""
    return content[: place.begin] + bytes(place.length) + content[place.begin + place.length :]


def copy_block(_numbers: random.Random, content: bytes, place: Place) -> bytes:
    """Change bytes to those of another place."""
    block = content[place.elsewhere : place.elsewhere + place.length]
    return content[: place.begin] + block + content[place.begin + place.length :]


def swap_blocks(_numbers: random.Random, content: bytes, place: Place) -> bytes:
    """Exchange the bytes of two places."""
    damaged = bytearray(content)
    one, other = sorted((place.begin, place.elsewhere))
    length = min(place.length, other - one)
    damaged[one : one + length], damaged[other : other + length] = (
        content[other : other + length],
        content[one : one + length],
    )
    return bytes(damaged)


def cut_off(_numbers: random.Random, content: bytes, place: Place) -> bytes:
    """End the file."""
    return content[: place.begin]


def delete(_numbers: random.Random, content: bytes, place: Place) -> bytes:
    """Leave bytes out."""
    return content[: place.begin] + content[place.begin + place.length :]


def insert(numbers: random.Random, content: bytes, place: Place) -> bytes:
    """Put bytes between."""
    return content[: place.begin] + numbers.randbytes(place.length) + content[place.begin :]


KINDS = {
    "one bit changed": flip_bit,
    "random bytes": put_random,
    "zeros": put_zeros,
    "a block copied": copy_block,
    "two blocks exchanged": swap_blocks,
    "cut off": cut_off,
    "bytes left out": delete,
    "bytes put between": insert,
}


@dataclass
class Count:
    """The results of the damaged files of one kind.

    Attributes
    ----------
    mutants
        How many there were.
    refused
        Those that OpenJPEG does not decode.
    wrong
        Those that it decodes to other pixels.
    found
        Those with other pixels that are found.
    missed
        Of each of the others, the number of wrong pixels, and the largest difference.
    """

    mutants: int = 0
    refused: int = 0
    wrong: int = 0
    found: int = 0
    missed: list[tuple[int, int]] = field(default_factory=list)

    def row(self) -> dict[str, object]:
        """Return the figures by their names."""
        return {
            "mutants": self.mutants,
            "refused by OpenJPEG": self.refused,
            "wrong pixels": self.wrong,
            "found": self.found,
            "found_share": round(self.found / self.wrong, 3) if self.wrong else None,
            "most pixels missed": max((pixels for pixels, _ in self.missed), default=0),
            "largest difference missed": max((difference for _, difference in self.missed), default=0),
        }


def decoded(path: Path) -> Pixels | None:
    """Decode a file by OpenJPEG; None if it refuses."""
    try:
        pixels: Pixels = open_raster(path, JPEG2000).ReadAsArray()
    except RuntimeError:
        return None
    return pixels


def is_found(path: Path, folder: Path) -> bool:
    """Return whether a file is refused by the functions that read a band in a run."""
    like, pixels = folder / "like.vrt", folder / "pixels.tif"
    try:
        check_file(str(path))
        with describing(like, Grid.of(path, JPEG2000), gdal.GDT_Float32, 1):
            pass
        out = build_band(str(path), 0, like, Radiometry(1.0, 0.0, None), _SETTINGS, nearest=True)
        out.application.write({out.key: Target(pixels)})
    except (ProductError, OtbError):
        return True
    return False


def count(file: Path, kind: str, mutants: int, seed: int, folder: Path) -> Count:
    """Damage a file in one way, many times.

    Parameters
    ----------
    file
        The whole file.
    kind
        One of KINDS.
    mutants
        How many damaged files to make.
    seed
        The same seed makes the same files.
    folder
        For files that are not kept.
    """
    content = file.read_bytes()
    right = decoded(file)
    assert right is not None
    path = folder / "damaged.jp2"
    numbers = random.Random(f"{seed} {kind}")
    counted = Count()
    for _ in range(mutants):
        path.write_bytes(KINDS[kind](numbers, content, draw(numbers, content)))
        counted.mutants += 1
        pixels = decoded(path)
        if pixels is None:
            counted.refused += 1
        elif pixels.shape != right.shape or (pixels != right).any():
            counted.wrong += 1
            if is_found(path, folder):
                counted.found += 1
            else:
                difference = np.abs(pixels.astype(np.int64) - right)
                counted.missed.append((int(np.count_nonzero(difference)), int(difference.max())))
    return counted


def measure(files: Sequence[Path], mutants: int, seed: int) -> dict[str, dict[str, dict[str, object]]]:
    """Damage files in all ways, and print a table of each.

    Returns
    -------
    dict
        The figures by file and kind.
    """
    figures: dict[str, dict[str, dict[str, object]]] = {}
    with tempfile.TemporaryDirectory() as name:
        for file in files:
            of_file = figures.setdefault(file.name, {})
            if is_found(file, Path(name)):
                raise SystemExit(f"{file}: is found damaged as it is")
            print(f"{file.name}, {file.stat().st_size} bytes, {mutants} damaged files a kind")
            print(
                f"{'kind':<22}{'refused':>9}{'wrong':>7}{'found':>7}{'share':>8}{'pixels missed':>15}{'by up to':>10}"
            )
            for kind in KINDS:
                row = count(file, kind, mutants, seed, Path(name)).row()
                of_file[kind] = row
                share = row["found_share"]
                print(
                    f"{kind:<22}{row['refused by OpenJPEG']:>9}{row['wrong pixels']:>7}{row['found']:>7}"
                    f"{'' if share is None else share:>8}{row['most pixels missed']:>15}"
                    f"{row['largest difference missed']:>10}",
                    flush=True,
                )
    return figures


def main() -> None:
    """Damage the files that are given, or bands of a synthetic product."""
    parser = argparse.ArgumentParser(description="How much random damage inside JPEG 2000 bands is found.")
    parser.add_argument("files", nargs="*", type=Path, help="absent: bands of a synthetic product")
    parser.add_argument("--mutants", type=int, default=300, help="damaged files of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--result", type=Path, help="JSON file to write the figures to")
    options = parser.parse_args()
    own_process()
    gdal.SetErrorHandler("CPLQuietErrorHandler")
    with tempfile.TemporaryDirectory() as name:
        files = options.files
        if not files:
            make_scene(Path(name), size=480)
            files = sorted(Path(name).glob("L1C/*N0510*/GRANULE/*/IMG_DATA/*_B0[125].jp2"))
        figures = measure(files, options.mutants, options.seed)
    if options.result:
        options.result.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
