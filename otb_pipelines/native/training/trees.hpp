#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace forest_training {

// Labelled pixels. Classes are numbered from 0.
struct Pixels {
    std::size_t count;
    std::size_t features;
    std::size_t classes;
    // The value of a pixel is values[feature * count + pixel]. No value is NaN.
    std::vector<float> values;
    std::vector<std::uint8_t> kinds;

    const float* feature(std::size_t number) const { return values.data() + number * count; }
};

struct Parameters {
    std::size_t trees;
    // The largest depth of a tree. A tree of depth 0 is only a root.
    std::size_t depth;
    // A node is not split if it has this many drawn pixels or fewer.
    std::size_t least_pixels;
    // The number of features that are drawn at random for each node. The best of them splits the node.
    std::size_t tried;
    std::uint32_t seed;
};

// The quality of a leaf is 0. A pixel goes left if its feature is at most the threshold.
struct Node {
    std::uint32_t depth;
    std::uint32_t kind;
    std::uint32_t feature;
    float threshold;
    double quality;

    bool is_leaf() const { return quality == 0; }
};

// Trees of a forest by their numbers, from `first` to the one before `end`.
struct Range {
    std::size_t first;
    std::size_t end;
};

// The nodes of a tree in preorder: a node, its left branch, its right branch.
using Tree = std::vector<Node>;

// Grows a random forest (Breiman, 2001). Each tree is grown on a sample of the pixels, which is drawn with
// replacement and is as large as their number. A split of a node has the quality sum(count^2) / sum(count)
// over the classes, summed over both sides. The split with the largest quality reduces Gini's impurity most.
// In a node with more than 128 pixels, only thresholds between the bins of the values are tried.
//
// The result depends on the pixels and the parameters, and not on the number of threads. There are fewer
// threads if the system has no room for all.
std::vector<Tree> grow(const Pixels& pixels, const Parameters& parameters, std::size_t thread_count);

// Grows some of the trees of the forest. A tree does not depend on the other trees that are grown. Ends
// early, with trees of no node, once `stopped` is true.
std::vector<Tree> grow_some(const Pixels& pixels, const Parameters& parameters, Range range,
                            std::size_t thread_count, const std::atomic<bool>& stopped);

}  // namespace forest_training
