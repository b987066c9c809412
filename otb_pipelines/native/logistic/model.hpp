#pragma once

#include <cstddef>
#include <vector>

namespace logistic {

// Limits of what is trained and read.
constexpr std::size_t most_classes = 256;
constexpr std::size_t most_features = 10000;
// Of means and deviations, and of the values of training pixels.
constexpr double largest_value = 1e30;
constexpr double largest_weight = 1e6;
constexpr double smallest_deviation = 1e-30;

// A multinomial logistic regression. The score of a class is its intercept plus the sum of its weights times
// the standardised features, and the shares of the classes are the softmax of the scores.
struct Model {
    // The codes of the classes, in ascending order.
    std::vector<int> labels;
    // The mean and the standard deviation of each feature. A deviation of 0 means that the feature did not
    // vary, and its weights are 0.
    std::vector<double> means;
    std::vector<double> deviations;
    // By class.
    std::vector<double> intercepts;
    // By class and feature; those of one class are side by side.
    std::vector<double> weights;

    std::size_t classes() const { return labels.size(); }
    std::size_t features() const { return means.size(); }
};

// Throws std::invalid_argument if a length, an order or a number of the model is impossible.
void check(const Model& model);

}  // namespace logistic
