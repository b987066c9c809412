#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "forest/forest.hpp"

namespace forests {

// Three trees over two features, written down by hand:
//
//   tree 1: feature 0 <= 0.5 ? class 0 : (feature 1 <= 2 ? class 1 : class 2)
//   tree 2: class 1
//   tree 3: feature 1 <= 1 ? class 0 : class 2
inline fast_forest::ForestContent three_trees() {
    using fast_forest::Child;
    fast_forest::ForestContent content;
    content.nodes = {{0.5F, 0, Child::leaf(0), Child::node(1)},
                     {2.0F, 1, Child::leaf(1), Child::leaf(2)},
                     {1.0F, 1, Child::leaf(0), Child::leaf(2)}};
    content.roots = {Child::node(0), Child::leaf(1), Child::node(2)};
    content.labels = {10, 20, 30};
    content.features = 2;
    return content;
}

// The same three trees as plain conditions, apart from the code under test. NaN goes to the right.
inline std::vector<std::uint32_t> votes_of_three_trees(float first, float second) {
    std::vector<std::uint32_t> votes(3);
    if (first <= 0.5F) {
        ++votes[0];
    } else if (second <= 2.0F) {
        ++votes[1];
    } else {
        ++votes[2];
    }
    ++votes[1];
    if (second <= 1.0F) {
        ++votes[0];
    } else {
        ++votes[2];
    }
    return votes;
}

// Random trees of different depths, and pixels that meet their thresholds exactly now and then.
class RandomForest {
  public:
    RandomForest(std::size_t trees, std::size_t features, int classes) {
        content_.features = features;
        for (int kind = 0; kind < classes; ++kind) {
            content_.labels.push_back(100 + kind);
        }
        for (std::size_t tree = 0; tree < trees; ++tree) {
            content_.roots.push_back(grow(static_cast<int>(tree % 7)));
        }
    }

    const fast_forest::ForestContent& content() const { return content_; }

    std::vector<float> pixel() {
        std::vector<float> values;
        for (std::size_t feature = 0; feature < content_.features; ++feature) {
            values.push_back(value());
        }
        return values;
    }

    // Walks one pixel down every tree.
    std::vector<std::uint32_t> votes(const float* pixel) const {
        std::vector<std::uint32_t> counts(content_.labels.size());
        for (fast_forest::Child place : content_.roots) {
            while (!place.is_leaf()) {
                const fast_forest::Node& node = content_.nodes[static_cast<std::size_t>(place.number())];
                place = pixel[node.feature] <= node.threshold ? node.left : node.right;
            }
            ++counts[static_cast<std::size_t>(place.kind())];
        }
        return counts;
    }

  private:
    // One of few values, so that a pixel often equals a threshold.
    float value() { return static_cast<float>(random_() % 20) / 4.0F; }

    fast_forest::Child grow(int depth) {
        if (depth == 0 || random_() % 8 == 0) {
            return fast_forest::Child::leaf(static_cast<std::int32_t>(random_() % content_.labels.size()));
        }
        const std::size_t number = content_.nodes.size();
        content_.nodes.push_back({value(), static_cast<std::int32_t>(random_() % content_.features), {}, {}});
        const fast_forest::Child left = grow(depth - 1);
        content_.nodes[number].left = left;
        const fast_forest::Child right = grow(depth - 1);
        content_.nodes[number].right = right;
        return fast_forest::Child::node(static_cast<std::int32_t>(number));
    }

    std::mt19937 random_{7};
    fast_forest::ForestContent content_;
};

}  // namespace forests
