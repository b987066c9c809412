"""The random fields of the synthetic scenes."""

import numpy as np
import pytest

from alcd_otb.synthetic import noise


def test_upsample_is_linear_between_pixel_centres() -> None:
    ramp = np.arange(5, dtype=np.float32)[None, :] * 6 + np.zeros((5, 1), dtype=np.float32)
    fine = noise.upsample(ramp, 6, (6, 6, 18, 18))
    # The centre of fine pixel 6 lies 6.5 fine pixels from the edge, that of coarse pixel 0 lies 3 from it.
    np.testing.assert_allclose(fine[0], np.arange(6, 24) + 0.5 - 3, atol=1e-5)
    np.testing.assert_allclose(noise.binned(fine, 6), [[6, 12, 18]] * 3, atol=1e-5)


def test_periodic_fractal_repeats_without_a_seam() -> None:
    field = noise.fractal((64, 64), noise.generator(1, 1), slope=4.0, outer=16, periodic=True)
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-5)
    step = np.abs(np.diff(field, axis=1)).max()
    assert np.abs(field[:, 0] - field[:, -1]).max() <= step
