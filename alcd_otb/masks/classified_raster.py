"""Any classified raster, with a table in JSON that says what its values mean."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.masks.acquisition import Acquisition, acquisition_at, acquisition_of
from alcd_otb.masks.mask import NO_DATA, Mask, PixelClass, raster_layer, table_of
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.model import Text, read_json, validated


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassEntry(_Model):
    """One class. means: what it counts as, such as ``cloud`` and ``invalid``."""

    code: Annotated[int, Field(ge=0, le=255)]
    name: Text
    means: tuple[Text, ...] = ()
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None


class ClassTable(_Model):
    """A table of classes, and the rasters that it is for.

    files: pattern of the rasters, relative to the table's file. band: of each raster. no_data: values without data.
    tile, acquired: where the names of the rasters do not tell them.
    """

    processor: Text
    files: Text
    classes: tuple[ClassEntry, ...] = Field(min_length=1)
    no_data: tuple[Annotated[int, Field(ge=0, le=255)], ...] = ()
    band: Annotated[int, Field(ge=1)] = 1
    tile: Annotated[str, Field(pattern=r"^T?\d{2}[A-Z]{3}$")] | None = None
    acquired: datetime | None = None

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[ClassEntry, ...]) -> tuple[ClassEntry, ...]:
        codes = [one.code for one in classes]
        for code in codes:
            if codes.count(code) > 1:
                raise ValueError(f"code {code} occurs more than once")
        return classes


@dataclass(frozen=True)
class ClassifiedRaster:
    """A raster, and the file of the table that describes it."""

    path: Path
    table_file: Path
    table: ClassTable


def is_class_table(path: Path) -> bool:
    """Whether a file is a table of classes: JSON with the keys ``processor`` and ``classes``."""
    if not path.is_file() or path.suffix != ".json":
        return False
    try:
        content = read_json(path)
    except ConfigurationError:
        return False
    return {"processor", "classes"} <= content.keys()


def rasters_of(table_file: Path) -> tuple[ClassifiedRaster, ...]:
    """The rasters that a table is for. Raises ConfigurationError where it is wrong, or there are none."""
    table: ClassTable = validated(ClassTable, read_json(table_file), str(table_file))
    found = sorted(path for path in table_file.parent.glob(table.files) if path.is_file())
    if not found:
        raise ConfigurationError(f"{table_file}: files: no file is {table.files!r}, relative to the table's folder")
    if len(found) > 1 and (table.tile is not None or table.acquired is not None):
        raise ConfigurationError(
            f"{table_file}: files: {len(found)} files are {table.files!r}, which cannot all be of one acquisition; "
            "leave out tile and acquired"
        )
    return tuple(ClassifiedRaster(path, table_file, table) for path in found)


def read_classified_raster(raster: ClassifiedRaster) -> Mask:
    """Raises ProductError where the raster cannot be read, or nothing tells its tile and time."""
    table = raster.table
    without_data: list[PixelClass] = [PixelClass(code, NO_DATA, frozenset()) for code in table.no_data]
    classes = [PixelClass(one.code, one.name, frozenset(one.means), one.colour) for one in table.classes]
    every: tuple[PixelClass, ...] = (*without_data, *classes)
    layer = raster_layer(raster.path, table_of(every), table.band)
    return Mask(
        processor=table.processor,
        path=raster.path,
        acquisition=_acquisition(raster),
        grid=Grid.of(str(raster.path)),
        layers=(layer,),
        files=(raster.path, raster.table_file),
        classes=tuple({one.code: one for one in reversed(every)}.values()),
    )


def _acquisition(raster: ClassifiedRaster) -> Acquisition:
    tile, acquired = raster.table.tile, raster.table.acquired
    if tile is not None and acquired is not None:
        return acquisition_at(tile, acquired if acquired.tzinfo else acquired.replace(tzinfo=UTC))
    return acquisition_of(raster.path)
