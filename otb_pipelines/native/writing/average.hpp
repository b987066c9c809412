#pragma once

#include <cstddef>
#include <vector>

namespace writing {

// Rows of numbers, one after the other.
struct Rows {
    std::size_t columns;
    std::size_t count;
    const float* values;
    // From a row's first value to the next one's.
    std::size_t stride;
};

// The means of squares of `factor` pixels a side, row by row; those at the right and lower edge may be
// narrower.
std::vector<float> averaged(const Rows& rows, std::size_t factor);

}  // namespace writing
