#include "average.hpp"

#include <algorithm>

namespace writing {

std::vector<float> averaged(const Rows& rows, std::size_t factor) {
    const std::size_t columns = (rows.columns + factor - 1) / factor;
    const std::size_t whole = rows.columns / factor;
    std::vector<float> means;
    means.reserve(columns * ((rows.count + factor - 1) / factor));
    std::vector<float> sums(rows.columns);
    for (std::size_t first = 0; first < rows.count; first += factor) {
        const std::size_t height = std::min(factor, rows.count - first);
        std::fill(sums.begin(), sums.end(), 0.0F);
        for (std::size_t row = first; row < first + height; ++row) {
            const float* values = rows.values + row * rows.stride;
            for (std::size_t column = 0; column < rows.columns; ++column) {
                sums[column] += values[column];
            }
        }
        const auto mean = [&](std::size_t begin, std::size_t width) {
            float sum = 0;
            for (std::size_t column = begin; column < begin + width; ++column) {
                sum += sums[column];
            }
            means.push_back(sum / static_cast<float>(width * height));
        };
        for (std::size_t column = 0; column < whole; ++column) {
            mean(column * factor, factor);
        }
        if (whole < columns) {
            mean(whole * factor, rows.columns - whole * factor);
        }
    }
    return means;
}

}  // namespace writing
