"""Blocks of rasters: each pixel once, with the pixels around it, whatever the size of the blocks."""

from pathlib import Path

import numpy as np
import pytest
from block_files import grid_of, pixels, write
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alcd_otb.errors import ProcessingError
from alcd_otb.raster.blocks import Block, Source, read_blocks, windows
from alcd_otb.raster.grid import Window

Values = NDArray[np.float32]


@settings(deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), side=st.integers(1, 45))
def test_windows_hold_each_pixel_once(height: int, width: int, side: int) -> None:
    seen = np.zeros((height, width), int)
    for one in windows(height, width, side):
        assert 1 <= one.rows <= side
        assert 1 <= one.columns <= side
        seen[one.row : one.row + one.rows, one.column : one.column + one.columns] += 1
    assert (seen == 1).all()


def test_a_window_is_told_by_its_first_and_last_pixels() -> None:
    assert str(Window(512, 0, 20, 7)) == "rows 512 to 531, columns 0 to 6"


class TestReadBlocks:
    @settings(deadline=None)
    @given(rows=st.integers(1, 25), columns=st.integers(1, 25), halo=st.integers(0, 30), side=st.integers(1, 30))
    def test_give_the_image_with_its_edge_repeated(
        self, tmp_path_factory: pytest.TempPathFactory, rows: int, columns: int, halo: int, side: int
    ) -> None:
        values = pixels(rows, columns, bands=2)
        path = write(tmp_path_factory.mktemp("image") / "image.tif", values)
        around = np.pad(values, ((0, 0), (halo, halo), (halo, halo)), mode="edge")
        for block in read_blocks([Source(path, ("a", "b"))], grid_of(values), halo, side):
            top, left = block.window.row, block.window.column
            height, width = block.window.rows + 2 * halo, block.window.columns + 2 * halo
            np.testing.assert_array_equal(block.values, around[:, top : top + height, left : left + width])
            np.testing.assert_array_equal(
                block.without_halo(block["b"]), values[1, top : top + block.shape[0], left : left + block.shape[1]]
            )

    def test_put_the_bands_of_several_rasters_together(self, tmp_path: Path) -> None:
        values = pixels(7, 9, bands=3)
        sources = [
            Source(write(tmp_path / "1.tif", values[:1]), ("B02",)),
            Source(write(tmp_path / "2.tif", values[1:]), ("B03", "dem")),
        ]
        (block,) = read_blocks(sources, grid_of(values))
        assert (block.names, block.halo, block.resolution) == (("B02", "B03", "dem"), 0, 60)
        for name, band in zip(block.names, values, strict=True):
            np.testing.assert_array_equal(block[name], band)

    def test_make_no_data_nan(self, tmp_path: Path) -> None:
        values = np.array([[[0, 1, 2, 0]]], np.float32)
        (block,) = read_blocks([Source(write(tmp_path / "1.tif", values, no_data=0), ("a",))], grid_of(values))
        np.testing.assert_array_equal(block["a"], [[np.nan, 1, 2, np.nan]])

    def test_name_a_raster_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "1.tif").write_text("no raster")
        with pytest.raises(ProcessingError, match=r"/1\.tif: cannot be read"):
            list(read_blocks([Source(tmp_path / "1.tif", ("a",))], grid_of(pixels(2, 2))))


class TestBlock:
    BLOCK = Block(pixels(8, 9, bands=3), ("a", "b", "c"), 3, 20, Window(40, 50, 2, 3))

    def test_narrowed_has_the_bands_asked_for_and_less_of_a_halo(self) -> None:
        narrowed = self.BLOCK.narrowed(("c", "a"), 1)
        assert (narrowed.names, narrowed.halo, narrowed.shape) == (("c", "a"), 1, (2, 3))
        np.testing.assert_array_equal(narrowed.values, self.BLOCK.values[[2, 0], 2:6, 2:7])
        np.testing.assert_array_equal(narrowed.without_halo(narrowed["a"]), self.BLOCK.without_halo(self.BLOCK["a"]))

    def test_narrowed_is_a_copy(self) -> None:
        narrowed = self.BLOCK.narrowed(("a",), 3)
        narrowed.values[:] = -1
        assert self.BLOCK.values.min() >= 0

    def test_without_halo_keeps_other_axes(self) -> None:
        assert self.BLOCK.without_halo(self.BLOCK.values).shape == (3, 2, 3)

    def test_tells_what_it_holds_where_a_band_is_not_read(self) -> None:
        with pytest.raises(KeyError, match="B12 is not read; there are a, b, c"):
            self.BLOCK["B12"]
