#include "sliding_median.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace cleaning {
namespace {

constexpr std::size_t most_levels = 4096;
// The code of a missing value.
constexpr std::uint16_t no_code = 65535;

using Levels = std::vector<float>;

// The different values in ascending order. Stops after most_levels + 1 of them.
Levels levels_of(const std::vector<float>& values) {
    Levels levels;
    float last = 0.0F;
    for (const float value : values) {
        if (std::isnan(value) || (value == last && !levels.empty())) {
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
        if (std::isnan(values[index])) {
            codes[index] = no_code;
            continue;
        }
        if (values[index] != levels[code]) {
            code = static_cast<std::size_t>(std::lower_bound(levels.begin(), levels.end(), values[index]) -
                                            levels.begin());
        }
        codes[index] = static_cast<std::uint16_t>(code);
    }
    return codes;
}

// A histogram of the codes in a window. It keeps its median up to date while the window moves.
class Histogram {
  public:
    explicit Histogram(std::size_t levels) : counts_(levels) {}

    void clear() {
        std::fill(counts_.begin(), counts_.end(), 0U);
        median_ = 0;
        below_ = 0;
        total_ = 0;
    }
    void add(std::uint16_t code) {
        if (code == no_code) {
            return;
        }
        ++counts_[code];
        ++total_;
        below_ += code < median_ ? 1 : 0;
    }
    void remove(std::uint16_t code) {
        if (code == no_code) {
            return;
        }
        --counts_[code];
        --total_;
        below_ -= code < median_ ? 1 : 0;
    }
    bool is_empty() const { return total_ == 0; }
    // The histogram must not be empty.
    std::size_t median() {
        const std::size_t half = total_ / 2;
        while (below_ > half) {
            below_ -= counts_[--median_];
        }
        while (below_ + counts_[median_] <= half) {
            below_ += counts_[median_++];
        }
        return median_;
    }

  private:
    std::vector<std::uint32_t> counts_;
    std::size_t total_ = 0;
    std::size_t median_ = 0;
    // The number of codes in the window that are less than median_.
    std::size_t below_ = 0;
};

// Huang's algorithm: when the window moves by one pixel, one column of codes leaves and another one enters.
void median_by_histogram(const Grid& image, const Levels& levels, std::size_t radius, Grid& result) {
    const std::vector<std::uint16_t> codes = codes_of(image.values, levels);
    const std::size_t side = 2 * radius + 1;
    Histogram histogram(levels.size());
    const auto median = [&] {
        return histogram.is_empty() ? std::numeric_limits<float>::quiet_NaN() : levels[histogram.median()];
    };
    for (std::size_t row = 0; row < result.rows; ++row) {
        const std::uint16_t* top = codes.data() + row * image.columns;
        histogram.clear();
        for (std::size_t down = 0; down < side; ++down) {
            for (std::size_t right = 0; right < side; ++right) {
                histogram.add(top[down * image.columns + right]);
            }
        }
        float* target = result.values.data() + row * result.columns;
        target[0] = median();
        for (std::size_t column = 1; column < result.columns; ++column) {
            for (std::size_t down = 0; down < side; ++down) {
                const std::uint16_t* across = top + down * image.columns + column;
                histogram.remove(across[-1]);
                histogram.add(across[side - 1]);
            }
            target[column] = median();
        }
    }
}

void median_by_selection(const Grid& image, std::size_t radius, Grid& result) {
    const std::size_t side = 2 * radius + 1;
    std::vector<float> window(side * side);
    for (std::size_t row = 0; row < result.rows; ++row) {
        for (std::size_t column = 0; column < result.columns; ++column) {
            auto end = window.begin();
            for (std::size_t down = 0; down < side; ++down) {
                const float* across = image.row(row + down) + column;
                end =
                    std::copy_if(across, across + side, end, [](float value) { return !std::isnan(value); });
            }
            const auto middle = window.begin() + (end - window.begin()) / 2;
            std::nth_element(window.begin(), middle, end);
            result.values[row * result.columns + column] =
                end == window.begin() ? std::numeric_limits<float>::quiet_NaN() : *middle;
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
