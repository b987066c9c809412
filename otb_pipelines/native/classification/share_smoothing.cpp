#include "share_smoothing.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace classification {

std::vector<float> gaussian_weights(double deviation) {
    if (!(deviation > 0)) {
        throw std::invalid_argument("the standard deviation is not above 0");
    }
    const auto radius = std::max(1L, std::lround(2 * deviation));
    std::vector<double> weights;
    for (long at = -radius; at <= radius; ++at) {
        const double deviations = static_cast<double>(at) / deviation;
        weights.push_back(std::exp(-deviations * deviations / 2));
    }
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<float> shares;
    for (const double weight : weights) {
        shares.push_back(static_cast<float>(weight / total));
    }
    return shares;
}

ShareSmoothing::ShareSmoothing(std::vector<float> weights, std::size_t columns, std::size_t classes)
    : weights_(std::move(weights)),
      columns_(columns),
      classes_(classes),
      rows_(weights_.size(), Row(columns * (classes + 1))),
      sums_(columns * (classes + 1)),
      means_(columns * classes) {}

ShareSmoothing::Row& ShareSmoothing::next() {
    Row& row = rows_[pushed_++ % rows_.size()];
    std::fill(row.begin(), row.end(), 0.0F);
    return row;
}

void ShareSmoothing::push_nothing() {
    next();
}

void ShareSmoothing::push(const std::vector<float>& shares, const std::vector<std::size_t>& places) {
    Row& row = next();
    const std::size_t values = classes_ + 1;
    for (std::size_t pixel = 0; pixel < places.size(); ++pixel) {
        const float* of_pixel = shares.data() + pixel * classes_;
        // Adds this pixel to all columns that it is near to, from left to right.
        for (std::size_t weight = 0; weight < weights_.size(); ++weight) {
            const std::size_t place = places[pixel] + weight;
            if (place < radius() || place - radius() >= columns_) {
                continue;
            }
            float* sums = row.data() + (place - radius()) * values;
            for (std::size_t kind = 0; kind < classes_; ++kind) {
                sums[kind] += weights_[weight] * of_pixel[kind];
            }
            sums[classes_] += weights_[weight];
        }
    }
}

const std::vector<float>& ShareSmoothing::mean() {
    std::fill(sums_.begin(), sums_.end(), 0.0F);
    for (std::size_t weight = 0; weight < weights_.size(); ++weight) {
        // The oldest row is the next to be replaced.
        const Row& row = rows_[(pushed_ + weight) % rows_.size()];
        for (std::size_t index = 0; index < sums_.size(); ++index) {
            sums_[index] += weights_[weight] * row[index];
        }
    }
    const std::size_t values = classes_ + 1;
    for (std::size_t column = 0; column < columns_; ++column) {
        const float* sums = sums_.data() + column * values;
        const float weight = sums[classes_];
        for (std::size_t kind = 0; kind < classes_; ++kind) {
            means_[column * classes_ + kind] = weight > 0 ? sums[kind] / weight : 0.0F;
        }
    }
    return means_;
}

}  // namespace classification
