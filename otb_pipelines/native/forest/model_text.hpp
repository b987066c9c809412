#pragma once

#include <string>
#include <string_view>

namespace fast_forest {

// What the first line of a model file begins with.
inline constexpr std::string_view yaml_marker = "%YAML";

// The name of what a model file holds, with the colon that follows it.
inline constexpr std::string_view forest_key = "opencv_ml_rtrees:";

// Throws std::invalid_argument where a text is not made of what OpenCV writes of a forest, so that OpenCV's
// parser had better not see it.
void check_text(const std::string& text);

}  // namespace fast_forest
