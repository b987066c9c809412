#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace classification {

// The weights of a Gaussian along one axis, of this standard deviation in pixels, cut off at twice that (at
// least one pixel away). They add up to 1; their number is odd. Throws std::invalid_argument where the
// deviation is not above 0.
std::vector<float> gaussian_weights(double deviation);

// Averages the votes for each class over the pixels around, row after row, as long as only a few rows are at
// hand.
class VoteSmoothing {
  public:
    VoteSmoothing(std::vector<float> weights, std::size_t columns, std::size_t classes);

    std::size_t radius() const { return weights_.size() / 2; }

    // The next row, from the top. votes: a pixel's side by side, for the pixels at `places`, in ascending
    // order; at the other columns there is no data, and beyond the first and last row, either.
    void push(const std::vector<std::uint32_t>& votes, const std::vector<std::size_t>& places);
    void push_nothing();

    // Of the row pushed radius() rows ago: columns x classes weighted means of the votes where there is data.
    const std::vector<float>& mean();

  private:
    // A row after the pass along it: for each column the classes' votes, and the weight of the data.
    using Row = std::vector<float>;

    Row& next();

    std::vector<float> weights_;
    std::size_t columns_;
    std::size_t classes_;
    std::vector<Row> rows_;
    std::size_t pushed_ = 0;
    Row sums_;
    std::vector<float> means_;
};

}  // namespace classification
