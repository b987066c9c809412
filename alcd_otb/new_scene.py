"""Write a ``scene.json`` for existing products, so that it need not be typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.files.writing import write_json, writing_to
from alcd_otb.products.acquisitions import is_same_datatake
from alcd_otb.products.dates import check_dates
from alcd_otb.products.sentinel2_l1c import L1CProduct, read_product, tiles_of
from alcd_otb.products.series import (
    MOST_CLOUD,
    Acquisition,
    choose_clear_date,
    group_products,
    products_of_tile,
    series_folder,
)
from alcd_otb.settings.band_names import TERRAIN, date_and_band
from alcd_otb.settings.features import names_used
from alcd_otb.settings.scene_file import SceneFile
from alcd_otb.settings.strict_model import validated
from alcd_otb.settings.template import Template, load_template, template_names


@dataclass(frozen=True)
class SceneWish:
    """The options of a new scene.

    Attributes
    ----------
    products
        Paths of products. The first one is to be classified. Others of the same acquisition are parts of it, and those
        of other dates are its clear dates.
    tile
        The tile to use from a product with several tiles, such as ``31TFJ``, or None.
    template
        Name or path of the template.
    dem
        The elevation model, or None.
    folder
        The folder in which other dates are looked for. None means the folder around the first product.
    """

    products: tuple[Path, ...]
    tile: str | None = None
    template: str = "clouds"
    dem: Path | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class NewScene:
    """A scene file that was written.

    Attributes
    ----------
    file
        The file.
    content
        What it holds.
    cloudy
        The date to classify.
    clear
        The clear dates.
    tile
        Such as ``31TFJ``.
    dates
        All dates of the tile that were seen, sorted by time.
    warnings
        What speaks against the pair.
    missing
        What the scene lacks, each in a line with the consequence.
    """

    file: Path
    content: dict[str, Any]
    cloudy: Acquisition
    clear: tuple[Acquisition, ...]
    tile: str
    dates: tuple[Acquisition, ...]
    warnings: tuple[str, ...]
    missing: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what ``new --json`` prints."""
        return {
            "scene": str(self.file),
            "tile": self.tile,
            "cloudy": [str(path) for path in self.cloudy.paths],
            "clear": [[str(path) for path in date.paths] for date in self.clear],
            "dates": [
                {
                    "paths": [str(path) for path in date.paths],
                    "acquired": date.acquired.isoformat(),
                    "cloud_cover": date.cloud_cover,
                }
                for date in self.dates
            ],
            "warnings": list(self.warnings),
            "missing": list(self.missing),
        }

    def summary(self) -> str:
        """Return what ``new`` prints."""
        lines = [f"{self.file}: tile {self.tile}, dates seen: {len(self.dates)}"]
        lines.append(f"  to classify: {_described(self.cloudy)}")
        lines += [f"  clear date:  {_described(date)}" for date in self.clear]
        lines += [f"  look at it:  {warning}" for warning in self.warnings]
        lines += [f"  missing:     {sentence}" for sentence in self.missing]
        return "\n".join([*lines, f"next: python -m alcd_otb run {self.file}"])


def write_new_scene(wish: SceneWish, file: Path) -> NewScene:
    """Write the scene file of products.

    Parameters
    ----------
    wish
        The options.
    file
        The file to write, which must not exist.

    Raises
    ------
    ConfigurationError
        The file exists, its folder does not, a path of the wish does not exist, or the template is wrong.
    ProductError
        A product cannot be read, holds several tiles, or does not fit the first one. Nothing is written.
    ProcessingError
        The file cannot be written.
    """
    _check_paths(wish, file)
    template = load_template(wish.template)
    cloudy, clear, dates = _choose(wish)
    tile = cloudy.first.tile
    warnings = check_dates(cloudy.joined(), [date.joined() for date in clear])
    base = file.absolute().parent
    written = [_written(date, base) for date in clear]
    several = any(len(tiles_of(path)) > 1 for date in (cloudy, *clear) for path in date.paths)
    content: dict[str, Any] = {
        "name": f"{tile}_{cloudy.acquired:%Y%m%d}",
        "cloudy": _written(cloudy, base),
        **({"clear": written[0] if len(written) == 1 and isinstance(written[0], str) else written} if written else {}),
        **({"dem": _path(wish.dem, base)} if wish.dem else {}),
        **({"tile": tile} if several else {}),
        "template": wish.template if wish.template in template_names() else str(Path(wish.template).absolute()),
    }
    validated(SceneFile, content, str(file))
    with writing_to(base):
        write_json(file, content)
    missing = _missing(template, cloudy, clear, wish)
    return NewScene(file, content, cloudy, clear, tile, dates, warnings, missing)


def _check_paths(wish: SceneWish, file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise ConfigurationError(f"{file}: exists already, and is not overwritten; name another file with -o")
    if not file.absolute().parent.is_dir():
        raise ConfigurationError(f"{file.parent}: there is no such folder; make it first")
    if wish.dem is not None and not wish.dem.exists():
        raise ConfigurationError(f"--dem {wish.dem}: does not exist; check the path")
    if wish.folder is not None and not wish.folder.is_dir():
        raise ConfigurationError(f"--folder {wish.folder}: is not a folder; give the one that holds the L1C products")


def _choose(wish: SceneWish) -> tuple[Acquisition, tuple[Acquisition, ...], tuple[Acquisition, ...]]:
    """Return the date to classify, the clear dates, and all dates that were seen."""
    given = _read_given(wish)
    folder = wish.folder or series_folder(given[0])
    names = {product.name for product in given}
    found = [product for product in products_of_tile(folder, given[0].tile) if product.name not in names]
    named = group_products(given)
    if len(named) > 1:
        # Parts that lie beside the dates that are named belong to them. Other dates are not wanted.
        found = [product for product in found if any(is_same_datatake(date.first, product) for date in named)]
    cloudy, *others = group_products([*given, *found])
    dates = tuple(sorted((cloudy, *others), key=lambda date: date.acquired))
    if len(named) > 1:
        return cloudy, tuple(others), dates
    clear = choose_clear_date(cloudy, others)
    return cloudy, () if clear is None else (clear,), dates


def _read_given(wish: SceneWish) -> list[L1CProduct]:
    first = read_product(wish.products[0], wish.tile)
    products = [first, *(read_product(path, wish.tile) for path in wish.products[1:])]
    for number, product in enumerate(products):
        if product.tile != first.tile:
            raise ProductError(
                f"{product.path}: is of tile {product.tile}, {first.path} of {first.tile}; make a scene for each tile"
            )
        if any(product.name == earlier.name for earlier in products[:number]):
            raise ProductError(f"{product.path}: is given twice; give each product once")
    return products


def _missing(template: Template, cloudy: Acquisition, clear: Sequence[Acquisition], wish: SceneWish) -> tuple[str, ...]:
    used = {name for part in (*template.features, *template.view.layers) for name in names_used(part)}
    missing = []
    if not clear:
        missing.append(
            f"a clear date: no other date of tile {cloudy.first.tile} with at most {MOST_CLOUD:.0f} % of cloud fits; "
            "the scene is classified from one date alone"
        )
    terrain = sorted(used & set(TERRAIN))
    if terrain and wish.dem is None:
        missing.append(f"an elevation model, for {', '.join(terrain)}; name it with --dem")
    bands = {date_and_band(name).band for name in used - set(TERRAIN)}
    for date in (cloudy, *clear):
        absent = sorted(bands - {band.name for band in date.joined().bands})
        if absent:
            missing.append(f"files of {', '.join(absent)} in {date.first.path}; a run refuses the product")
    return tuple(missing)


def _written(date: Acquisition, base: Path) -> str | list[str]:
    paths = [_path(path, base) for path in date.paths]
    return paths[0] if len(paths) == 1 else paths


def _path(path: Path, base: Path) -> str:
    """Write a path relative to the scene's folder if it lies below, else in full."""
    path = path.absolute()
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)


def _described(date: Acquisition) -> str:
    cloud = "unknown cloud" if date.cloud_cover is None else f"{date.cloud_cover:.0f} % cloud"
    parts = f", {len(date.paths)} parts" if len(date.paths) > 1 else ""
    return f"{date.acquired:%Y-%m-%d %H:%M}, {cloud}{parts}: {', '.join(path.name for path in date.paths)}"
