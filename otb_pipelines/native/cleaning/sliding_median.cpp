#include "sliding_median.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace cleaning {
namespace {

constexpr std::size_t most_levels = 4096;

using Levels = std::vector<float>;

// The different values in ascending order; with more than most_levels of them, only so many and one.
Levels levels_of(const std::vector<float>& values) {
    Levels levels;
    float last = 0.0F;
    for (const float value : values) {
        if (value == last && !levels.empty()) {
            continue;
        }
        last = value;
        const auto place = std::lower_bound(levels.begin(), levels.end(), value);
        if (place == levels.end() || *place != value) {
            levels.insert(place, value);
            if (levels.size() > most_levels) {
                break;
            }
        }
    }
    return levels;
}

std::vector<std::uint16_t> codes_of(const std::vector<float>& values, const Levels& levels) {
    std::vector<std::uint16_t> codes(values.size());
    std::size_t code = 0;
    for (std::size_t index = 0; index < values.size(); ++index) {
        if (values[index] != levels[code]) {
            code = static_cast<std::size_t>(std::lower_bound(levels.begin(), levels.end(), values[index]) -
                                            levels.begin());
        }
        codes[index] = static_cast<std::uint16_t>(code);
    }
    return codes;
}

// The codes in a window as a histogram that knows its median and follows it as the window moves.
class Histogram {
  public:
    // size: how many codes the window holds, an odd number.
    Histogram(std::size_t levels, std::size_t size) : counts_(levels), half_(size / 2) {}

    void clear() {
        std::fill(counts_.begin(), counts_.end(), 0U);
        median_ = 0;
        below_ = 0;
    }
    void add(std::uint16_t code) {
        ++counts_[code];
        below_ += code < median_ ? 1 : 0;
    }
    void remove(std::uint16_t code) {
        --counts_[code];
        below_ -= code < median_ ? 1 : 0;
    }
    std::size_t median() {
        while (below_ > half_) {
            below_ -= counts_[--median_];
        }
        while (below_ + counts_[median_] <= half_) {
            below_ += counts_[median_++];
        }
        return median_;
    }

  private:
    std::vector<std::uint32_t> counts_;
    std::size_t half_;
    std::size_t median_ = 0;
    // Codes of the window that are less than median_.
    std::size_t below_ = 0;
};

// Huang's algorithm: from a window to the next a column of codes leaves and another one comes.
void median_by_histogram(const Grid& image, const Levels& levels, std::size_t radius, Grid& result) {
    const std::vector<std::uint16_t> codes = codes_of(image.values, levels);
    const std::size_t side = 2 * radius + 1;
    Histogram histogram(levels.size(), side * side);
    for (std::size_t row = 0; row < result.rows; ++row) {
        const std::uint16_t* top = codes.data() + row * image.columns;
        histogram.clear();
        for (std::size_t down = 0; down < side; ++down) {
            for (std::size_t right = 0; right < side; ++right) {
                histogram.add(top[down * image.columns + right]);
            }
        }
        float* target = result.values.data() + row * result.columns;
        target[0] = levels[histogram.median()];
        for (std::size_t column = 1; column < result.columns; ++column) {
            for (std::size_t down = 0; down < side; ++down) {
                const std::uint16_t* across = top + down * image.columns + column;
                histogram.remove(across[-1]);
                histogram.add(across[side - 1]);
            }
            target[column] = levels[histogram.median()];
        }
    }
}

void median_by_selection(const Grid& image, std::size_t radius, Grid& result) {
    const std::size_t side = 2 * radius + 1;
    std::vector<float> window(side * side);
    const auto middle = window.begin() + static_cast<std::ptrdiff_t>(window.size() / 2);
    for (std::size_t row = 0; row < result.rows; ++row) {
        for (std::size_t column = 0; column < result.columns; ++column) {
            auto end = window.begin();
            for (std::size_t down = 0; down < side; ++down) {
                const float* across = image.row(row + down) + column;
                end = std::copy(across, across + side, end);
            }
            std::nth_element(window.begin(), middle, window.end());
            result.values[row * result.columns + column] = *middle;
        }
    }
}

}  // namespace

Grid sliding_median(const Grid& image, std::size_t radius) {
    const std::size_t side = 2 * radius + 1;
    if (image.rows < side || image.columns < side) {
        throw std::invalid_argument("the image is smaller than the window");
    }
    Grid result{image.rows - 2 * radius, image.columns - 2 * radius, {}};
    result.values.resize(result.rows * result.columns);
    const Levels levels = levels_of(image.values);
    if (levels.size() > most_levels) {
        median_by_selection(image, radius, result);
    } else {
        median_by_histogram(image, levels, radius, result);
    }
    return result;
}

}  // namespace cleaning
