#include "model_writer.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <stdexcept>

namespace forest_training {
namespace {

// As the class of a pixel is a variable of OpenCV's as well, the last one, there is one more of them than
// features.
std::string repeated(const char* value, std::size_t times) {
    std::string text;
    for (std::size_t time = 0; time < times; ++time) {
        text += (time == 0 ? "" : ", ");
        text += value;
    }
    return text;
}

template <class Numbers>
std::string joined(const Numbers& numbers) {
    std::string text;
    for (const auto number : numbers) {
        text += (text.empty() ? "" : ", ") + std::to_string(number);
    }
    return text;
}

// Whatever the locale of the process: others than C's may write a comma. With 9 digits a float comes back to
// the last bit.
std::string nine_digits(double value) {
    std::array<char, 32> digits{};
    const auto written =
        std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::scientific, 8);
    return {digits.data(), written.ptr};
}

std::string node_text(const Node& node, int label) {
    std::string text = "            -\n               depth: " + std::to_string(node.depth);
    text += "\n               value: " + std::to_string(label) + ".\n";
    text += "               norm_class_idx: " + std::to_string(node.kind) + "\n";
    if (!node.is_leaf()) {
        text += "               splits:\n                  - { var:" + std::to_string(node.feature);
        text += ", quality:" + nine_digits(node.quality);
        text += ", le:" + nine_digits(static_cast<double>(node.threshold)) + " }\n";
    }
    return text;
}

std::string header(const Parameters& parameters, std::size_t features, const std::vector<int>& labels) {
    std::vector<std::size_t> numbers;
    for (std::size_t feature = 0; feature < features; ++feature) {
        numbers.push_back(feature);
    }
    std::string text = "%YAML:1.0\n---\nopencv_ml_rtrees:\n   format: 3\n   is_classifier: 1\n";
    text += "   var_all: " + std::to_string(features + 1) + "\n";
    text += "   var_count: " + std::to_string(features) + "\n";
    text += "   ord_var_count: " + std::to_string(features) + "\n   cat_var_count: 1\n";
    text += "   training_params:\n      use_surrogates: 0\n      max_categories: 10\n";
    text += "      regression_accuracy: 0.\n      max_depth: " + std::to_string(parameters.depth) + "\n";
    text += "      min_sample_count: " + std::to_string(parameters.least_pixels) + "\n";
    text += "      cross_validation_folds: 0\n      nactive_vars: " + std::to_string(parameters.tried) + "\n";
    text += "   global_var_idx: 1\n   var_idx: [ " + joined(numbers) + " ]\n";
    text += "   var_type: [ " + repeated("0", features) + ", 1 ]\n";
    text += "   cat_ofs: [ " + repeated("0", 2 * (features + 1)) + " ]\n";
    text += "   class_labels: [ " + joined(labels) + " ]\n";
    text += "   missing_subst: [ " + repeated("0.", features + 1) + " ]\n";
    text += "   oob_error: 0.\n   ntrees: " + std::to_string(parameters.trees) + "\n   trees:\n";
    return text;
}

}  // namespace

void write_model(const std::string& file, const std::vector<Tree>& trees, const Parameters& parameters,
                 std::size_t features, const std::vector<int>& labels) {
    std::string text = header(parameters, features, labels);
    for (const Tree& tree : trees) {
        text += "      -\n         nodes:\n";
        for (const Node& node : tree) {
            text += node_text(node, labels[node.kind]);
        }
    }
    std::ofstream stream(file, std::ios::binary);
    stream << text;
    stream.close();
    if (!stream) {
        throw std::runtime_error(file + ": cannot be written");
    }
}

}  // namespace forest_training
