#include "model_file.hpp"

#include <fstream>
#include <limits>
#include <opencv2/core.hpp>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "model_text.hpp"

namespace fast_forest {
namespace {

constexpr int most_header_lines = 10000;

// Before any line is read: a binary file may have no lines.
bool begins_as_yaml(std::istream& file) {
    std::string start(yaml_marker.size(), ' ');
    file.read(start.data(), static_cast<std::streamsize>(start.size()));
    return start == yaml_marker;
}

bool holds(const std::string& line, std::string_view text) {
    return line.find(text) != std::string::npos;
}

cv::FileNode needed(const cv::FileNode& node, const char* key) {
    const cv::FileNode found = node[key];
    if (found.empty()) {
        throw std::invalid_argument(std::string("has no ") + key);
    }
    return found;
}

int integer(const cv::FileNode& node, const char* key) {
    const cv::FileNode found = needed(node, key);
    if (!found.isInt()) {
        throw std::invalid_argument(std::string(key) + " is not a whole number");
    }
    return static_cast<int>(found);
}

std::vector<int> integers(const cv::FileNode& node) {
    std::vector<int> result;
    for (const cv::FileNode& item : node) {
        if (!item.isInt()) {
            throw std::invalid_argument("has a list of whole numbers that holds something else");
        }
        result.push_back(static_cast<int>(item));
    }
    return result;
}

float number_of(const cv::FileNode& node) {
    if (!node.isInt() && !node.isReal()) {
        throw std::invalid_argument("lacks a number where there should be one");
    }
    return static_cast<float>(node);
}

Child leaf(int kind) {
    if (kind < 0) {
        throw std::invalid_argument("a leaf votes for no class");
    }
    return Child::leaf(kind);
}

Child node(std::size_t number) {
    if (number > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
        throw std::invalid_argument("there are too many nodes");
    }
    return Child::node(static_cast<std::int32_t>(number));
}

// The features alone, without the response, which OpenCV counts as the last variable.
std::size_t count_features(const cv::FileNode& forest) {
    const std::vector<int> types = integers(needed(forest, "var_type"));
    for (std::size_t variable = 0; variable < types.size(); ++variable) {
        if (types[variable] != (variable + 1 == types.size() ? 1 : 0)) {
            throw std::invalid_argument("has features that are not numbers");
        }
    }
    const std::vector<int> used = integers(forest["var_idx"]);
    for (std::size_t variable = 0; variable < used.size(); ++variable) {
        if (used[variable] != static_cast<int>(variable)) {
            throw std::invalid_argument("uses some of its features only");
        }
    }
    return types.empty() ? 0 : types.size() - 1;
}

// Nodes are stored in preorder; an inner one is known by its splits, of which the first counts (others are
// for missing values, and are not used).
void append_tree(const cv::FileNode& stored, ForestContent& content) {
    // Inner nodes whose right child has not come yet, by number.
    std::vector<std::size_t> open;
    bool is_root = true;
    bool is_left = false;
    for (const cv::FileNode& item : stored) {
        if (!is_root && !is_left && open.empty()) {
            throw std::invalid_argument("a tree has nodes after its last");
        }
        const cv::FileNode splits = item["splits"];
        // OpenCV's empty() is false for a list without entries.
        const bool is_leaf =
            splits.empty() || splits.size() == 0;  // NOLINT(readability-container-size-empty)
        const std::size_t number = content.nodes.size();
        const Child child = is_leaf ? leaf(integer(item, "norm_class_idx")) : node(number);
        if (is_root) {
            content.roots.push_back(child);
        } else if (is_left) {
            content.nodes[open.back()].left = child;
        } else {
            content.nodes[open.back()].right = child;
            open.pop_back();
        }
        if (!is_leaf) {
            const cv::FileNode split = *splits.begin();
            // OpenCV goes by either in the same way.
            const cv::FileNode bound = split["le"].empty() ? split["gt"] : split["le"];
            content.nodes.push_back({number_of(bound), integer(split, "var"), {}, {}});
            open.push_back(number);
        }
        is_root = false;
        is_left = !is_leaf;
    }
    if (is_root || !open.empty()) {
        throw std::invalid_argument("a tree lacks a node");
    }
}

ForestContent content_of(const cv::FileNode& forest) {
    ForestContent content;
    if (integer(forest, "is_classifier") != 1) {
        throw std::invalid_argument("is not a classifier");
    }
    content.features = count_features(forest);
    content.labels = integers(needed(forest, "class_labels"));
    for (const cv::FileNode& substitute : forest["missing_subst"]) {
        content.substitutes.push_back(number_of(substitute));
    }
    const cv::FileNode trees = needed(forest, "trees");
    if (integer(forest, "ntrees") != static_cast<int>(trees.size())) {
        throw std::invalid_argument("does not have as many trees as it says");
    }
    for (const cv::FileNode& tree : trees) {
        append_tree(needed(tree, "nodes"), content);
    }
    return content;
}

}  // namespace

bool is_forest(const std::string& path) {
    std::ifstream file(path);
    if (!begins_as_yaml(file)) {
        return false;
    }
    std::string line;
    bool named = false;
    bool classifies = false;
    for (int count = 0; count < most_header_lines && std::getline(file, line); ++count) {
        named = named || holds(line, forest_key);
        classifies = classifies || holds(line, "is_classifier: 1");
        if (holds(line, " trees:")) {
            break;
        }
    }
    return named && classifies;
}

Forest parse_forest(const std::string& text, const std::string& name) {
    try {
        check_text(text);
        const cv::FileStorage storage(text, cv::FileStorage::READ | cv::FileStorage::MEMORY);
        return Forest(content_of(storage.getFirstTopLevelNode()));
    } catch (const std::invalid_argument& error) {
        throw ModelError(name + ": is not a sound random forest: " + error.what() + "; train it again");
    } catch (const cv::Exception& error) {
        throw ModelError(name + ": is not a sound random forest: " + error.err + "; train it again");
    }
}

Forest read_forest(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) {
        throw ModelError(path + ": cannot be read");
    }
    return parse_forest(text.str(), path);
}

}  // namespace fast_forest
