#pragma once

#include <string>
#include <string_view>

namespace fast_forest {

// The beginning of a model file.
inline constexpr std::string_view yaml_marker = "%YAML";

// The key of the random forest in a model file, with its colon.
inline constexpr std::string_view forest_key = "opencv_ml_rtrees:";

// Checks that a text has the form that OpenCV gives to a forest, before OpenCV's parser reads it: some
// malformed texts make that parser crash or hang. Throws std::invalid_argument if the text has another form.
void check_text(const std::string& text);

}  // namespace fast_forest
