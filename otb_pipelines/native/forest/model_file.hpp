#pragma once

#include <stdexcept>
#include <string>

#include "forest.hpp"

namespace fast_forest {

// A model file that claims to hold a random forest and does not. The message names the file and what is
// wrong.
class ModelError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Whether a file says of itself that it is a classifying random forest of OpenCV 3 or 4 over numbers, as
// YAML. Only its first lines are read; false for whatever cannot be read.
bool is_forest(const std::string& path);

// Throws ModelError.
Forest read_forest(const std::string& path);

// The same of a file's text, of which messages speak as `name`.
Forest parse_forest(const std::string& text, const std::string& name);

}  // namespace fast_forest
