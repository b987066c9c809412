#pragma once

#include <cstddef>
#include <vector>

#include "model.hpp"

namespace logistic {

// A logistic regression that gives the shares of the classes. It never changes, so threads may share it.
class Regression {
  public:
    // Throws std::invalid_argument if the model is impossible.
    explicit Regression(const Model& model);

    std::size_t features() const { return means_.size(); }
    std::size_t classes() const { return labels_.size(); }
    const std::vector<int>& labels() const { return labels_; }

    // Computes the shares of the classes, which add up to 1 but for rounding. Each of the `count` pixels has
    // features() numbers. `shares` has room for count x classes() numbers; those of one pixel are side by
    // side. A value that is missing (NaN) counts as the mean of the training pixels.
    void find_shares(const float* const* pixels, std::size_t count, float* shares) const;

    // The same for a block of 64 pixels. `values` are features() x 64 numbers, and `shares` has room for
    // classes() x 64, both on a boundary of 64 bytes; the numbers of one feature or class are side by side.
    void find_block_shares(const float* values, float* shares) const;

  private:
    std::vector<int> labels_;
    // As `Block` needs them.
    std::vector<float> means_;
    std::vector<float> limits_;
    std::vector<float> weights_;
    std::vector<float> intercepts_;
};

}  // namespace logistic
