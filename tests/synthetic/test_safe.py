"""The grids of Sentinel-2 tiles."""

import pytest

from alcd_otb.synthetic.safe import tile_grid


@pytest.mark.parametrize(
    ("tile", "crs", "left", "top"),
    [
        # From the metadata of real products.
        ("31TCJ", "EPSG:32631", 300000, 4900020),
        ("31TDH", "EPSG:32631", 399960, 4800000),
        ("33TUG", "EPSG:32633", 300000, 4700040),
        ("32TMT", "EPSG:32632", 399960, 5300040),
        ("55JGF", "EPSG:32755", 699960, 6600040),
    ],
)
def test_tile_grid(tile: str, crs: str, left: int, top: int) -> None:
    grid = tile_grid(tile, 10980)
    assert (grid.crs, grid.left, grid.top, grid.width) == (crs, left, top, 10980)


@pytest.mark.parametrize("tile", ["31TF", "61TFJ", "31IFJ", "31TFZ", "31TKJ", "x1TFJ"])
def test_wrong_tile_is_refused(tile: str) -> None:
    with pytest.raises(ValueError, match=tile):
        tile_grid(tile, 600)
