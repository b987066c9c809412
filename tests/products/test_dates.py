"""Pairs of dates: which are accepted, warned of, and refused."""

from pathlib import Path

import pytest
from sentinel2_files import LEFT, one_line_error, write_compact

from alcd_otb.products.dates import check_pair
from alcd_otb.products.sentinel2_l1c import L1CProduct, read_product


class TestCheckPair:
    def make(self, parent: Path, sensed: str, **options: object) -> L1CProduct:
        safe = write_compact(parent, sensed=sensed, bands=["B02", "B05"], **options)  # type: ignore[arg-type]
        return read_product(safe)

    def test_a_clear_date_shortly_after_is_accepted_in_silence(self, tmp_path: Path) -> None:
        cloudy, clear = (self.make(tmp_path, sensed) for sensed in ("20240305T104819", "20240605T104818"))
        assert check_pair(cloudy, clear) == ()

    def test_a_pair_across_baselines_is_accepted(self, tmp_path: Path) -> None:
        cloudy = self.make(tmp_path, "20220124T104819")
        clear = self.make(tmp_path, "20220129T104819", baseline="03.01", offsets=None)
        assert (cloudy.band("B02").offset, clear.band("B02").offset) == (-1000, 0)
        assert check_pair(cloudy, clear) == ()

    def test_a_clear_date_before_is_warned_of_with_the_reason(self, tmp_path: Path) -> None:
        cloudy, clear = (self.make(tmp_path, sensed) for sensed in ("20240305T104819", "20240303T104819"))
        (warning,) = check_pair(cloudy, clear)
        assert "2024-03-03 precedes the cloudy one 2024-03-05" in warning
        assert "favours MAJA" in warning

    def test_dates_far_apart_are_warned_of(self, tmp_path: Path) -> None:
        cloudy, clear = (self.make(tmp_path, sensed) for sensed in ("20240305T104819", "20240613T104819"))
        (warning,) = check_pair(cloudy, clear)
        assert "100 days apart" in warning
        assert len(check_pair(clear, cloudy)) == 2

    def test_the_same_acquisition_is_refused_whatever_its_processing(self, tmp_path: Path) -> None:
        cloudy = self.make(tmp_path / "one", "20220305T104819")
        clear = self.make(tmp_path / "other", "20220305T104819", baseline="03.01", offsets=None)
        message = one_line_error(lambda: check_pair(cloudy, clear))
        assert "same acquisition" in message
        assert "2022-03-05 10:48:19" in message

    def test_two_satellites_minutes_apart_are_refused(self, tmp_path: Path) -> None:
        cloudy = self.make(tmp_path, "20240305T104819")
        clear = self.make(tmp_path, "20240305T105319", letter="C")
        assert "same acquisition" in one_line_error(lambda: check_pair(cloudy, clear))

    def test_another_tile_is_refused(self, tmp_path: Path) -> None:
        cloudy = self.make(tmp_path, "20240305T104819")
        clear = self.make(tmp_path, "20240310T104819", tile="31TFJ")
        message = one_line_error(lambda: check_pair(cloudy, clear))
        assert "tile 31TFJ" in message
        assert str(clear.path) in message

    @pytest.mark.parametrize("other", [{"metres": 1200}, {"left": LEFT + 60}])
    def test_another_grid_is_refused(self, tmp_path: Path, other: dict[str, object]) -> None:
        cloudy = self.make(tmp_path, "20240305T104819")
        clear = self.make(tmp_path, "20240310T104819", **other)
        message = one_line_error(lambda: check_pair(cloudy, clear))
        assert "grid at 10 m" in message
        assert "the cloudy one's is 60 x 60 px from (300000, 4900020) in EPSG:32631" in message

    def test_no_common_resolution_is_refused(self, tmp_path: Path) -> None:
        cloudy = read_product(write_compact(tmp_path, bands=["B02"]))
        clear = read_product(write_compact(tmp_path, sensed="20240310T104819", bands=["B05"]))
        assert "pixels of 20 m, the cloudy one of 10 m" in one_line_error(lambda: check_pair(cloudy, clear))
