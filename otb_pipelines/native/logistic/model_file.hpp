#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "model.hpp"

namespace logistic {

// The first line of a model file.
inline constexpr std::string_view model_marker = "logistic regression, version 1";

// The error for a file that does not hold a valid model. The message names the file and the fault.
class ModelError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// The text of a model file. Numbers have as many digits as it takes to read the same number back.
std::string model_text(const Model& model);

// Reads the text of a model file. Error messages call the file `name`. Throws ModelError.
Model parse_model(std::string_view text, const std::string& name);

// Throws std::runtime_error if the file cannot be written.
void write_model(const std::string& path, const Model& model);

// Throws ModelError.
Model read_model(const std::string& path);

}  // namespace logistic
