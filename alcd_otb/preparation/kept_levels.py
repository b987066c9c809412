"""Keep decoded wavelet levels of bands from one stage of a preparation to the next, so that none is decoded twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import describing, updating
from alcd_otb.raster.opening import JPEG2000
from otb_pipelines.process import gdal
from otb_pipelines.reading import BandFile, Radiometry, build_band
from otb_pipelines.settings import Settings
from otb_pipelines.stack import StackFile

_OPTIONS = {"BLOCKYSIZE": "64"}
_DIGITAL_NUMBERS = Radiometry(1.0, 0.0, None)


@dataclass(frozen=True)
class LevelSource:
    """Where a band is decoded: its files, and the wavelet level of these."""

    files: str | Sequence[BandFile]
    level: int


@dataclass(frozen=True)
class KeptLevels:
    """Rasters of decoded levels in a folder.

    Attributes
    ----------
    folder
        The folder. It may be empty, and is removed at the end of the preparation.
    """

    folder: Path

    def source(self, inputs: Inputs, name: str, level: int) -> LevelSource:
        """Return the raster of a level, or if it was not kept the files of the band.

        Parameters
        ----------
        inputs
            The images of the scene.
        name
            The band, by its name in the template.
        level
            The wavelet level.
        """
        kept = self._path(name, level)
        return LevelSource(str(kept), 0) if kept.is_file() else LevelSource(inputs.band(name).files, level)

    def files(self, inputs: Inputs, levels: Mapping[str, int], settings: Settings) -> list[StackFile]:
        """Describe the rasters of levels that are kept from now on, for the pass in which they are decoded.

        Parameters
        ----------
        inputs
            The images of the scene, which are products.
        levels
            The levels by the names of the bands. Those that are kept already are left out.
        settings
            Memory and threads.
        """
        made = []
        for name, level in levels.items():
            path = self._path(name, level)
            if path.is_file():
                continue
            like = path.with_suffix(".vrt")
            with describing(like, _grid(inputs, name, level), gdal.GDT_UInt16, 1):
                pass
            image = build_band(inputs.band(name).files, level, like, _DIGITAL_NUMBERS, settings, nearest=True)
            made.append(StackFile(path, like, [image], _OPTIONS))
        return made

    def _path(self, name: str, level: int) -> Path:
        return self.folder / f"{name}_{level}.tif"


def complete_edges(files: Sequence[StackFile]) -> None:
    """Repeat the last pixels of kept levels beyond the edge: the last pixel of a level reaches farther than the others.

    Parameters
    ----------
    files
        The files, written.
    """
    for file in files:
        with updating(file.path) as dataset:
            band, width, height = dataset.GetRasterBand(1), dataset.RasterXSize, dataset.RasterYSize
            band.WriteArray(band.ReadAsArray(width - 2, 0, 1, height), width - 1, 0)
            band.WriteArray(band.ReadAsArray(0, height - 2, width, 1), 0, height - 1)


def _grid(inputs: Inputs, name: str, level: int) -> Grid:
    """Return the grid of a level with a column and a row more.

    A level keeps every second sample, beginning with the first one, so that the centres of the first pixels are the
    same.
    """
    whole = Grid.of(inputs.band(name).files[0].path, JPEG2000)
    side = whole.resolution * 2**level
    shift = (side - whole.resolution) / 2
    width, height = (-(-size // 2**level) + 1 for size in (whole.width, whole.height))
    return Grid(whole.crs, whole.left - shift, whole.top + shift, side, width, height)
