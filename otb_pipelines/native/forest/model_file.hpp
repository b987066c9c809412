#pragma once

#include <stdexcept>
#include <string>

#include "forest.hpp"

namespace fast_forest {

// The error for a model file that does not hold a valid random forest. The message names the file and the
// fault.
class ModelError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Whether the header of a file declares a random forest of OpenCV 3 or 4 that classifies, as YAML.
// Reads only the first lines. Returns false for a file that cannot be read.
bool is_forest(const std::string& path);

// Reads the random forest of a model file. Throws ModelError.
Forest read_forest(const std::string& path);

// Reads the random forest from the text of a model file. Error messages call the file `name`. Throws
// ModelError.
Forest parse_forest(const std::string& text, const std::string& name);

}  // namespace fast_forest
