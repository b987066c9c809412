#pragma once

#include <string>
#include <vector>

#include "trees.hpp"

namespace forest_training {

// Writes a random forest in the format that OTB writes through OpenCV 4 (opencv_ml_rtrees, YAML), so that OTB
// can read it. `labels` are the labels of the classes. Throws std::runtime_error if the file cannot be
// written.
void write_model(const std::string& file, const std::vector<Tree>& trees, const Parameters& parameters,
                 std::size_t features, const std::vector<int>& labels);

}  // namespace forest_training
