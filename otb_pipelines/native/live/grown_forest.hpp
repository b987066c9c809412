#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "forest/forest.hpp"
#include "training/trees.hpp"

namespace live {

// Training pixels as Python has them: pixel by pixel, with the codes of their classes.
struct LabelledPixels {
    const float* values;
    const int* codes;
    std::size_t count;
    std::size_t features;
};

// Grows some of the trees of the forest that RandomForestTraining grows, and makes a forest of them that
// votes. A `tried` of 0 means the square root of the number of features. If it was stopped, trees may be
// missing. Throws std::invalid_argument if there is nothing to train on, or there are more than 256 classes.
fast_forest::Forest grow_forest(const LabelledPixels& pixels, forest_training::Parameters parameters,
                                forest_training::Range range, std::size_t thread_count,
                                const std::atomic<bool>& stopped);

// Makes a forest that votes of grown trees, as the reader of a model file does. `labels` are the labels of
// the classes.
fast_forest::Forest voting_forest(const std::vector<forest_training::Tree>& trees, std::size_t features,
                                  std::vector<int> labels);

}  // namespace live
