#pragma once

#include <cstddef>
#include <stdexcept>
#include <vector>

#include "model.hpp"

namespace logistic {

// The most weights and intercepts of all classes together that can be trained. The time goes with the cube
// of their number.
constexpr std::size_t most_parameters = 5000;

// Pixels whose classes are known.
struct Pixels {
    std::size_t features;
    // Pixel by pixel.
    std::vector<float> values;
    // The codes of the classes.
    std::vector<int> codes;
};

// Trains a multinomial logistic regression by Newton's method until it converges. `strength` is how much the
// pixels weigh against the weights' squares, scikit-learn's C. Features are standardised by the mean and the
// standard deviation of the pixels. The result depends on neither the threads nor the processor.
//
// Throws std::invalid_argument if there is no pixel, a value is missing or too large, the strength is not
// positive, or there are too many classes and features.
Model train(const Pixels& pixels, double strength);

}  // namespace logistic
