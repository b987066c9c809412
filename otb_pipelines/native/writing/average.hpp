#pragma once

#include <cstddef>
#include <vector>

namespace writing {

// Some rows of numbers.
struct Rows {
    std::size_t columns;
    std::size_t count;
    const float* values;
    // The distance from the first value of a row to that of the next row.
    std::size_t stride;
};

// The means of squares with sides of `factor` pixels, row by row. The last square of a row or column has
// fewer pixels if `factor` does not divide the size.
std::vector<float> averaged(const Rows& rows, std::size_t factor);

}  // namespace writing
