#pragma once

#include <cstddef>
#include <vector>

namespace cleaning {

// Rows x columns of numbers, row by row; NaN where there is none.
struct Grid {
    std::size_t rows;
    std::size_t columns;
    std::vector<float> values;

    const float* row(std::size_t number) const { return values.data() + number * columns; }
};

// The median of the numbers in a square window of side 2 radius + 1 around each pixel that is at least radius
// from every edge: (rows - 2 radius) x (columns - 2 radius). Of an even number of them the upper of the two
// in the middle; of none NaN. Made for images of few different values, such as shares of votes: the time for
// a pixel is then that of the window's side, and else that of its area. Throws std::invalid_argument where
// the image is smaller than the window.
Grid sliding_median(const Grid& image, std::size_t radius);

}  // namespace cleaning
