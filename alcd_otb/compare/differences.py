"""Write difference maps: where a product agrees with the reference, where it misses, and where it adds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from alcd_otb.arrays import UInt8Array
from alcd_otb.compare.counting import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_NEGATIVE, TRUE_POSITIVE
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import creating
from alcd_otb.settings.legend import rgb
from otb_pipelines.process import gdal

COLOURS = {
    TRUE_POSITIVE: ("true positive", "#2f6fe0"),
    TRUE_NEGATIVE: ("true negative", "#3fa34d"),
    FALSE_NEGATIVE: ("false negative", "#d62828"),
    FALSE_POSITIVE: ("false positive", "#b04fd6"),
}
"""Name and colour by code; the colours are those of Baetens et al. (2019)."""

# Several threads would compress blocks in any order, and files of the same pixels would differ.
_OPTIONS = {"COMPRESS": "DEFLATE", "TILED": "YES", "ZLEVEL": "1", "NUM_THREADS": "1"}


@dataclass(frozen=True)
class DifferenceMap:
    """A difference map that is being written."""

    dataset: gdal.Dataset

    @classmethod
    @contextmanager
    def creating(cls, path: Path, grid: Grid) -> Iterator[Self]:
        """Create a GeoTIFF on a grid; it is complete when the block ends.

        Raises
        ------
        ProcessingError
            If the file cannot be written.
        """
        with creating(path, grid, gdal.GDT_Byte, _OPTIONS) as dataset:
            band = dataset.GetRasterBand(1)
            table = gdal.ColorTable()
            for code, (_, colour) in COLOURS.items():
                table.SetColorEntry(code, rgb(colour))
            band.SetColorTable(table)
            # GDAL would write names of categories into a second file.
            band.SetDescription(", ".join(f"{code} {name}" for code, (name, _) in COLOURS.items()))
            band.SetNoDataValue(0)
            yield cls(dataset)

    def write(self, row: int, codes: UInt8Array) -> None:
        """Write codes, (rows, columns), from a row on."""
        self.dataset.GetRasterBand(1).WriteArray(codes, 0, row)


def difference_name(scene: str, processor: str) -> str:
    """Return the file name of the difference map of a scene and a processor."""
    safe = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in processor)
    return f"{scene}_{safe}.tif"
