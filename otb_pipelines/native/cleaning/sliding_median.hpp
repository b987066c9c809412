#pragma once

#include <cstddef>
#include <vector>

namespace cleaning {

// An array of rows x columns, row by row. NaN means no value.
struct Grid {
    std::size_t rows;
    std::size_t columns;
    std::vector<float> values;

    const float* row(std::size_t number) const { return values.data() + number * columns; }
};

// The median in a square window around each pixel. The side of the window is 2 radius + 1. The result has
// (rows - 2 radius) x (columns - 2 radius) pixels, because the window must be inside the image. NaN is
// ignored. The median of an even number of values is the larger one of the two in the middle. The median of
// no value is NaN. Throws std::invalid_argument if the image is smaller than the window.
//
// This is fast for images of few different values, such as shares of votes. The time per pixel is then
// proportional to the window's side, and otherwise to its area.
Grid sliding_median(const Grid& image, std::size_t radius);

}  // namespace cleaning
