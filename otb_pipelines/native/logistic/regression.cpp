#include "regression.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "scores.hpp"

namespace logistic {
namespace {

// In standard deviations. Products with the largest weights are still small enough for 32 bits.
constexpr double farthest = 1e6;
constexpr double largest_product = 1e30;

// Numbers of a block's pixels, on the boundaries of whole vectors of any processor.
struct alignas(64) Lanes {
    float values[block_pixels];
};

}  // namespace

Regression::Regression(const Model& model) : labels_(model.labels) {
    check(model);
    std::vector<double> intercepts = model.intercepts;
    for (std::size_t feature = 0; feature < model.features(); ++feature) {
        const double deviation = model.deviations[feature];
        means_.push_back(static_cast<float>(model.means[feature]));
        limits_.push_back(static_cast<float>(std::min(deviation * farthest, largest_product)));
        // The intercept corrects the rounding of the mean to 32 bits.
        const double rounding = static_cast<double>(means_.back()) - model.means[feature];
        for (std::size_t kind = 0; kind < model.classes(); ++kind) {
            const double weight = model.weights[kind * model.features() + feature];
            const double slope = deviation == 0 ? 0 : weight / deviation;
            weights_.push_back(static_cast<float>(slope));
            intercepts[kind] += slope * rounding;
        }
    }
    for (const double intercept : intercepts) {
        if (!(std::fabs(intercept) <= largest_product)) {
            throw std::invalid_argument("a mean is too large for the deviation of its feature");
        }
        intercepts_.push_back(static_cast<float>(intercept));
    }
}

void Regression::find_shares(const float* const* pixels, std::size_t count, float* shares) const {
    const std::unique_ptr<Lanes[]> values(new Lanes[features()]());
    const std::unique_ptr<Lanes[]> found(new Lanes[classes()]());
    for (std::size_t first = 0; first < count; first += block_pixels) {
        const std::size_t size = std::min(block_pixels, count - first);
        for (std::size_t pixel = 0; pixel < size; ++pixel) {
            const float* source = pixels[first + pixel];
            for (std::size_t feature = 0; feature < features(); ++feature) {
                values[feature].values[pixel] = source[feature];
            }
        }
        find_block_shares(values[0].values, found[0].values);
        for (std::size_t pixel = 0; pixel < size; ++pixel) {
            for (std::size_t kind = 0; kind < classes(); ++kind) {
                shares[(first + pixel) * classes() + kind] = found[kind].values[pixel];
            }
        }
    }
}

void Regression::find_block_shares(const float* values, float* shares) const {
    static const FindShares find_block = fastest_find_shares();
    find_block({features(), classes(), means_.data(), limits_.data(), weights_.data(), intercepts_.data(),
                values, shares});
}

}  // namespace logistic
