#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trees.hpp"

namespace forest_training {

constexpr std::size_t most_bins = 256;

// Sorts the values of one feature into at most 256 bins. Each bin has about the same number of pixels. Equal
// values are in the same bin.
class Bins {
  public:
    Bins(const float* values, std::size_t count);

    std::size_t size() const { return least_.size(); }
    std::uint8_t of(std::size_t pixel) const { return bins_[pixel]; }
    float least(std::size_t bin) const { return least_[bin]; }
    float largest(std::size_t bin) const { return largest_[bin]; }

  private:
    std::vector<std::uint8_t> bins_;
    std::vector<float> least_;
    std::vector<float> largest_;
};

}  // namespace forest_training
