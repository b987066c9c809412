"""Compute with windows of a grid."""

from alcd_otb.raster.grid import Grid, Window


def with_surroundings(window: Window, reach: int, grid: Grid) -> Window:
    """Widen a window on all sides, as far as there is a grid.

    Parameters
    ----------
    window
        The window.
    reach
        In pixels.
    grid
        The grid.
    """
    top, left = max(window.row - reach, 0), max(window.column - reach, 0)
    bottom = min(window.row + window.rows + reach, grid.height)
    right = min(window.column + window.columns + reach, grid.width)
    return Window(top, left, bottom - top, right - left)


def part_of(grid: Grid, window: Window) -> Grid:
    """Return the grid of a window."""
    left, top = grid.left + window.column * grid.resolution, grid.top - window.row * grid.resolution
    return Grid(grid.crs, left, top, grid.resolution, window.columns, window.rows)


def strips_of(window: Window, pixels: int) -> list[Window]:
    """Divide a window into strips of whole rows, from the top downwards, none of which has more pixels than these.

    Parameters
    ----------
    window
        The window.
    pixels
        The most pixels of a strip that has more than one row.
    """
    rows = max(pixels // window.columns, 1)
    return [
        Window(window.row + first, window.column, min(rows, window.rows - first), window.columns)
        for first in range(0, window.rows, rows)
    ]
