#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace forest_training {

// Labelled pixels. A class is its number, from 0.
struct Pixels {
    std::size_t count;
    std::size_t features;
    std::size_t classes;
    // By feature and pixel: values[feature * count + pixel]. None is NaN.
    std::vector<float> values;
    std::vector<std::uint8_t> kinds;

    const float* feature(std::size_t number) const { return values.data() + number * count; }
};

struct Parameters {
    std::size_t trees;
    // Of a tree; 0 for the root alone.
    std::size_t depth;
    // A node with so many drawn pixels or fewer is not split.
    std::size_t least_pixels;
    // Features drawn at random for each node, of which the best splits it; 1 to all of them.
    std::size_t tried;
    std::uint32_t seed;
};

// A leaf has no quality. A pixel goes left where its feature is at most the threshold.
struct Node {
    std::uint32_t depth;
    std::uint32_t kind;
    std::uint32_t feature;
    float threshold;
    double quality;

    bool is_leaf() const { return quality == 0; }
};

// A node comes before its left branch, and that before its right one.
using Tree = std::vector<Node>;

// A random forest (Breiman, 2001). Each tree is grown on as many pixels as there are, drawn with replacement.
// A node is split where the sum over both sides of the squares of the classes' counts over the side's count
// is largest, which is where Gini's impurity falls most. Of more than `exact` pixels only limits between 256
// classes of the values are tried. The same pixels, parameters and seed give the same trees whatever the
// number of threads.
std::vector<Tree> grow(const Pixels& pixels, const Parameters& parameters, std::size_t threads);

}  // namespace forest_training
