#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fast_forest {

// The place where a branch of a tree leads: a node, given by its number, or a leaf that votes for a class.
class Child {
  public:
    Child() = default;
    static Child node(std::int32_t number) { return Child(number); }
    static Child leaf(std::int32_t kind) { return Child(-1 - kind); }

    bool is_leaf() const { return value_ < 0; }
    // Returns 1 for a leaf and 0 for a node.
    std::size_t sign() const { return static_cast<std::uint32_t>(value_) >> 31; }
    std::int32_t number() const { return value_; }
    std::int32_t kind() const { return -1 - value_; }

  private:
    explicit Child(std::int32_t value) : value_(value) {}
    std::int32_t value_ = -1;
};

// A pixel goes left if its feature is at most the threshold, and right otherwise. NaN goes right.
struct Node {
    float threshold;
    std::int32_t feature;
    Child left;
    Child right;
};

// The content of a model file.
struct ForestContent {
    // The inner nodes of all trees. A node comes before its children.
    std::vector<Node> nodes;
    std::vector<Child> roots;
    std::vector<int> labels;
    std::size_t features = 0;
    // For each feature, the number that replaces a missing value when a label is chosen. If this is empty, a
    // missing value goes left.
    std::vector<float> substitutes;
};

// A random forest that classifies pixels by the votes of its trees. It never changes, so threads may share
// it.
class Forest {
  public:
    // Throws std::invalid_argument if a node, a feature, a class or a length is impossible.
    explicit Forest(ForestContent content);

    std::size_t features() const { return content_.features; }
    std::size_t classes() const { return content_.labels.size(); }
    std::size_t trees() const { return content_.roots.size(); }
    const std::vector<int>& labels() const { return content_.labels; }
    const ForestContent& content() const { return content_; }

    // Counts the votes of the trees for each class. Each of the `count` pixels has features() numbers.
    // `votes` has room for count x classes() numbers; the votes of one pixel are side by side.
    void count_votes(const float* const* pixels, std::size_t count, std::uint32_t* votes) const;

    // The class with the most votes. The first class wins a tie.
    std::size_t winner(const std::uint32_t* votes) const;

    // The class with the most votes apart from the winner. The forest must have at least two classes.
    std::size_t runner_up(const std::uint32_t* votes) const;

    // The votes of the winner minus those of the runner-up. In a forest of one class, all votes.
    std::uint32_t lead(const std::uint32_t* votes) const;

    // Votes divided by the number of trees, in single precision as in OTB's own forest.
    float share(std::uint32_t votes) const;

    // The label of the winner for a pixel with these votes. In OpenCV the largest number means a missing
    // value. Like OpenCV, this replaces missing values by their substitutes and votes again for the label.
    // The confidence comes from the votes without substitutes.
    int label(const float* pixel, const std::uint32_t* votes) const;

    // Whether a value of the pixel is missing.
    bool has_missing(const float* pixel) const;
    // The label of a pixel, with substitutes for its missing values.
    int label_of_missing(const float* pixel) const;

  private:
    std::vector<float> substituted(const float* pixel) const;

    ForestContent content_;
};

}  // namespace fast_forest
