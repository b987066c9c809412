#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fast_forest {

// Where a branch leads: to a node by its number, or to a leaf that votes for a class.
class Child {
  public:
    Child() = default;
    static Child node(std::int32_t number) { return Child(number); }
    static Child leaf(std::int32_t kind) { return Child(-1 - kind); }

    bool is_leaf() const { return value_ < 0; }
    // 1 for a leaf, 0 for a node.
    std::size_t sign() const { return static_cast<std::uint32_t>(value_) >> 31; }
    std::int32_t number() const { return value_; }
    std::int32_t kind() const { return -1 - value_; }

  private:
    explicit Child(std::int32_t value) : value_(value) {}
    std::int32_t value_ = -1;
};

// A pixel goes left where its feature is at most the threshold, hence right with NaN.
struct Node {
    float threshold;
    std::int32_t feature;
    Child left;
    Child right;
};

// What a model file says.
struct ForestContent {
    // Of all trees; a node comes before its children.
    std::vector<Node> nodes;
    std::vector<Child> roots;
    std::vector<int> labels;
    std::size_t features = 0;
    // By feature, what stands for a missing value when a label is chosen. Empty: a missing value goes left.
    std::vector<float> substitutes;
};

// A random forest that votes. It does not change once made, so that threads may share it.
class Forest {
  public:
    // Throws std::invalid_argument where a node, a feature, a class or a length is impossible.
    explicit Forest(ForestContent content);

    std::size_t features() const { return content_.features; }
    std::size_t classes() const { return content_.labels.size(); }
    std::size_t trees() const { return content_.roots.size(); }
    const std::vector<int>& labels() const { return content_.labels; }

    // The trees' votes for each class: `votes` holds count x classes() numbers, a pixel's side by side.
    // A pixel is features() numbers.
    void count_votes(const float* const* pixels, std::size_t count, std::uint32_t* votes) const;

    // The class of the most votes; of several, the first.
    std::size_t winner(const std::uint32_t* votes) const;

    // The class of the most votes without the winner's; there must be two classes.
    std::size_t runner_up(const std::uint32_t* votes) const;

    // By how many votes the winner leads.
    std::uint32_t lead(const std::uint32_t* votes) const;

    // Votes as a share of the trees, in single precision as OTB's own forest.
    float share(std::uint32_t votes) const;

    // The label of a pixel that the trees voted so for: the winner's. OpenCV takes the largest number for a
    // missing value, and chooses the label, but not the confidence, with what stands for it.
    int label(const float* pixel, const std::uint32_t* votes) const;

  private:
    bool has_missing(const float* pixel) const;
    std::vector<float> substituted(const float* pixel) const;

    ForestContent content_;
};

}  // namespace fast_forest
