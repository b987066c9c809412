#include "bins.hpp"

#include <algorithm>
#include <numeric>

namespace forest_training {

Bins::Bins(const float* values, std::size_t count) : bins_(count) {
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [values](std::uint32_t one, std::uint32_t other) { return values[one] < values[other]; });
    // A bin is left as soon as its share of the pixels is reached and the value changes, so that no more than
    // most_bins are made.
    for (std::size_t place = 0; place < count; ++place) {
        const float value = values[order[place]];
        const bool begins = place == 0 || (value != largest_.back() && place * most_bins >= size() * count);
        if (begins) {
            least_.push_back(value);
            largest_.push_back(value);
        }
        largest_.back() = value;
        bins_[order[place]] = static_cast<std::uint8_t>(size() - 1);
    }
}

}  // namespace forest_training
