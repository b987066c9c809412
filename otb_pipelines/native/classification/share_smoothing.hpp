#pragma once

#include <cstddef>
#include <vector>

namespace classification {

// The weights of a Gaussian along one axis. `deviation` is its standard deviation in pixels. The Gaussian is
// cut off at two standard deviations, but not below one pixel. The weights add up to 1; their number is odd.
// Throws std::invalid_argument if the deviation is not positive.
std::vector<float> gaussian_weights(double deviation);

// Averages the shares of each class over the surrounding pixels. It takes the image row by row and keeps only
// as many rows as the weights need.
class ShareSmoothing {
  public:
    ShareSmoothing(std::vector<float> weights, std::size_t columns, std::size_t classes);

    std::size_t radius() const { return weights_.size() / 2; }

    // Adds the next row, from the top to the bottom. `places` are the columns that have data, in ascending
    // order. `shares` holds their shares; those of one pixel are side by side.
    void push(const std::vector<float>& shares, const std::vector<std::size_t>& places);
    // Adds a row without data, as for the rows above and below the image.
    void push_nothing();

    // The weighted means for the row that was pushed radius() rows ago: columns x classes numbers. Only
    // pixels with data count. The means are 0 if there is none.
    const std::vector<float>& mean();

  private:
    // A row that is averaged along its columns. Each column has the sum of the weighted shares of each class,
    // and then the sum of the weights.
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
