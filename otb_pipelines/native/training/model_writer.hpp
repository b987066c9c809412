#pragma once

#include <string>
#include <vector>

#include "trees.hpp"

namespace forest_training {

// Writes a random forest as OTB does through OpenCV 4 (opencv_ml_rtrees, YAML), so that it reads it.
// labels: of the classes, by their number. Throws std::runtime_error where the file cannot be written.
void write_model(const std::string& file, const std::vector<Tree>& trees, const Parameters& parameters,
                 std::size_t features, const std::vector<int>& labels);

}  // namespace forest_training
