"""Read any classified raster, with a JSON table of the meanings of its values."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.masks.acquisition import Acquisition, acquisition_at, acquisition_of
from alcd_otb.masks.mask import NO_DATA, Mask, PixelClass, raster_layer, table_of
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GIVEN_RASTERS
from alcd_otb.settings.strict_model import Text, read_json, validated

# Files that GDAL and viewers write beside a raster, and the table itself.
_BESIDE = (".msk", ".ovr", ".xml", ".json")


class _ClassTableModel(BaseModel):
    # Not a StrictModel: "acquired" is text in JSON and a datetime here.
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassEntry(_ClassTableModel):
    """A class of a class table.

    Attributes
    ----------
    code
        Value of the class in the raster, 0 to 255.
    name
        Name of the class.
    means
        What the class counts as, such as ``cloud`` and ``invalid``.
    colour
        ``#rrggbb`` in maps, or None.
    """

    code: Annotated[int, Field(ge=0, le=255)]
    name: Text
    means: tuple[Text, ...] = ()
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None


class PointCase(_ClassTableModel):
    """A code that points have by the value of a second column.

    Attributes
    ----------
    column
        Name of the second column.
    value
        The value that it must have.
    codes
        The codes, of which the point has one.
    code
        The code that it gets in its place.
    """

    column: Text
    value: int
    codes: tuple[int, ...] = Field(min_length=1)
    code: Annotated[int, Field(ge=0, le=255)]


class PointColumns(_ClassTableModel):
    """The columns of a table of labelled points.

    Attributes
    ----------
    longitude, latitude
        Names of the columns of degrees in WGS 84.
    code
        Name of the column of the class codes.
    scene
        Name of the column with the scene.
    scenes
        The name of each scene, with tile and time, by the value in that column. Empty if the value is the name.
    cases
        Codes by the value of a second column.
    """

    longitude: Text
    latitude: Text
    code: Text
    scene: Text
    scenes: dict[str, Text] = {}
    cases: tuple[PointCase, ...] = ()


class ClassTable(_ClassTableModel):
    """A table of classes and the rasters, or the files of labelled points, that it describes.

    Attributes
    ----------
    processor
        Name of the processor that made the rasters, or of the data set.
    source
        Where the codes are documented, or None.
    files
        Pattern of the files' paths, relative to the folder of the table.
    classes
        The classes; no code occurs twice.
    no_data
        Values of pixels without data, 0 to 255, and of points of doubt.
    band
        The band to read of each raster, from 1.
    tile, acquired
        Tile and time, for rasters whose names do not contain them.
    points
        The columns of points in CSV files. None if the files are rasters.
    """

    processor: Text
    source: Text | None = None
    files: Text
    classes: tuple[ClassEntry, ...] = Field(min_length=1)
    no_data: tuple[Annotated[int, Field(ge=0, le=255)], ...] = ()
    band: Annotated[int, Field(ge=1)] = 1
    tile: Annotated[str, Field(pattern=r"^T?\d{2}[A-Z]{3}$")] | None = None
    acquired: datetime | None = None
    points: PointColumns | None = None

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[ClassEntry, ...]) -> tuple[ClassEntry, ...]:
        codes = [entry.code for entry in classes]
        for code in codes:
            if codes.count(code) > 1:
                raise ValueError(f"code {code} occurs more than once")
        return classes


@dataclass(frozen=True)
class ClassifiedRaster:
    """A raster with the table that describes it, and the file of that table."""

    path: Path
    table_file: Path
    table: ClassTable


def is_class_table(path: Path) -> bool:
    """Decide whether a file is a table of the classes of rasters: JSON with the keys ``processor`` and ``classes``."""
    return _is_table(path, of_points=False)


def is_point_table(path: Path) -> bool:
    """Decide whether a file is a table of the classes of labelled points, with the key ``points``, too."""
    return _is_table(path, of_points=True)


def _is_table(path: Path, of_points: bool) -> bool:
    if not path.is_file() or path.suffix != ".json":
        return False
    try:
        content = read_json(path)
    except ConfigurationError:
        return False
    return {"processor", "classes"} <= content.keys() and ("points" in content) == of_points


def rasters_of(table_file: Path) -> tuple[ClassifiedRaster, ...]:
    """List the rasters that a table describes.

    Parameters
    ----------
    table_file
        The JSON file.

    Returns
    -------
    tuple of ClassifiedRaster
        At least one raster, sorted by path.

    Raises
    ------
    ConfigurationError
        If the table is wrong, there is no such raster, or several rasters would have one tile and time.
    """
    table, rasters = files_of_table(table_file)
    if len(rasters) > 1 and (table.tile is not None or table.acquired is not None):
        raise ConfigurationError(
            f"{table_file}: files: {len(rasters)} files are {table.files!r}, which cannot all be of one acquisition; "
            "leave out tile and acquired"
        )
    return tuple(ClassifiedRaster(path, table_file, table) for path in rasters)


def files_of_table(table_file: Path) -> tuple[ClassTable, list[Path]]:
    """Read a table, and list the files that it describes.

    Parameters
    ----------
    table_file
        The JSON file.

    Returns
    -------
    tuple
        The table, and at least one file, sorted by path.

    Raises
    ------
    ConfigurationError
        If the table is wrong, or there is no such file.
    """
    table: ClassTable = validated(ClassTable, read_json(table_file), str(table_file))
    found = (path for path in table_file.parent.glob(table.files) if path.is_file())
    files = sorted(path for path in found if path.suffix.lower() not in _BESIDE)
    if not files:
        raise ConfigurationError(f"{table_file}: files: no file is {table.files!r}, relative to the table's folder")
    return table, files


def classes_in(table: ClassTable) -> tuple[PixelClass, ...]:
    """List the classes of a table, with its values of no data."""
    without_data = [PixelClass(code, NO_DATA, frozenset()) for code in table.no_data]
    classes = [PixelClass(entry.code, entry.name, frozenset(entry.means), entry.colour) for entry in table.classes]
    return (*without_data, *classes)


def read_classified_raster(raster: ClassifiedRaster) -> Mask:
    """Read a raster as the mask that its table describes.

    Raises
    ------
    ProductError
        If the raster cannot be read, or neither the table nor a name contains its tile and time.
    """
    table = raster.table
    every = classes_in(table)
    layer = raster_layer(raster.path, table_of(every), table.band)
    return Mask(
        processor=table.processor,
        path=raster.path,
        acquisition=_acquisition(raster),
        grid=Grid.of(raster.path, GIVEN_RASTERS),
        layers=(layer,),
        files=(raster.path, raster.table_file),
        classes=tuple({pixel_class.code: pixel_class for pixel_class in reversed(every)}.values()),
    )


def _acquisition(raster: ClassifiedRaster) -> Acquisition:
    tile, acquired = raster.table.tile, raster.table.acquired
    if tile is not None and acquired is not None:
        return acquisition_at(tile, acquired if acquired.tzinfo else acquired.replace(tzinfo=UTC))
    return acquisition_of(raster.path)
