#include "grown_forest.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace live {
namespace {

using fast_forest::Child;

constexpr std::size_t most_classes = 256;

std::vector<int> labels_of(const LabelledPixels& pixels) {
    std::vector<int> labels(pixels.codes, pixels.codes + pixels.count);
    std::sort(labels.begin(), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    return labels;
}

forest_training::Pixels turned(const LabelledPixels& pixels, const std::vector<int>& labels) {
    forest_training::Pixels result{
        pixels.count, pixels.features, labels.size(), std::vector<float>(pixels.count * pixels.features), {}};
    for (std::size_t pixel = 0; pixel < pixels.count; ++pixel) {
        for (std::size_t feature = 0; feature < pixels.features; ++feature) {
            const float value = pixels.values[pixel * pixels.features + feature];
            if (std::isnan(value)) {
                throw std::invalid_argument("a pixel has no value of feature " + std::to_string(feature + 1));
            }
            result.values[feature * pixels.count + pixel] = value;
        }
        const auto place = std::lower_bound(labels.begin(), labels.end(), pixels.codes[pixel]);
        result.kinds.push_back(static_cast<std::uint8_t>(place - labels.begin()));
    }
    return result;
}

// Nodes are in preorder, so that a node is the left child of the one before it, or the right child of the
// last one that lacks it.
void append(const forest_training::Tree& tree, fast_forest::ForestContent& content) {
    std::vector<std::size_t> open;
    bool is_root = true;
    bool is_left = false;
    for (const forest_training::Node& node : tree) {
        const std::size_t number = content.nodes.size();
        const Child child = node.is_leaf() ? Child::leaf(static_cast<std::int32_t>(node.kind))
                                           : Child::node(static_cast<std::int32_t>(number));
        if (is_root) {
            content.roots.push_back(child);
        } else if (is_left) {
            content.nodes[open.back()].left = child;
        } else {
            content.nodes[open.back()].right = child;
            open.pop_back();
        }
        if (!node.is_leaf()) {
            content.nodes.push_back({node.threshold, static_cast<std::int32_t>(node.feature), {}, {}});
            open.push_back(number);
        }
        is_root = false;
        is_left = !node.is_leaf();
    }
}

}  // namespace

fast_forest::Forest voting_forest(const std::vector<forest_training::Tree>& trees, std::size_t features,
                                  std::vector<int> labels) {
    fast_forest::ForestContent content;
    content.labels = std::move(labels);
    content.features = features;
    // The values that the writer of model files gives.
    content.substitutes.assign(features + 1, 0.0F);
    for (const forest_training::Tree& tree : trees) {
        append(tree, content);
    }
    return fast_forest::Forest(std::move(content));
}

fast_forest::Forest grow_forest(const LabelledPixels& pixels, forest_training::Parameters parameters,
                                forest_training::Range range, std::size_t thread_count,
                                const std::atomic<bool>& stopped) {
    const std::vector<int> labels = labels_of(pixels);
    if (labels.size() > most_classes) {
        throw std::invalid_argument("there are more than 256 classes");
    }
    if (parameters.tried == 0) {
        parameters.tried =
            static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(pixels.features))));
    }
    parameters.tried = std::min(parameters.tried, pixels.features);
    const std::vector<forest_training::Tree> trees =
        forest_training::grow_some(turned(pixels, labels), parameters, range, thread_count, stopped);
    return voting_forest(trees, pixels.features, labels);
}

}  // namespace live
