// Trees grown on pixels whose classes follow from their features.

#include "training/trees.hpp"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <vector>

#include "failing_threads.hpp"

namespace {

using forest_training::grow;
using forest_training::Node;
using forest_training::Pixels;
using forest_training::Tree;

// Feature 0 is one of a hundred numbers. The class is 0 for the fifty that are below 0.5, and 1 for the
// others, which are above 0.6. Feature 1 is noise.
Pixels two_sides(std::size_t count) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> noise(0, 1);
    Pixels pixels{count, 2, 2, {}, {}};
    pixels.values.resize(2 * count);
    for (std::size_t pixel = 0; pixel < count; ++pixel) {
        const auto number = static_cast<float>(random() % 100);
        pixels.values[pixel] = number / 100 + (number < 50 ? 0.0F : 0.1F);
        pixels.values[count + pixel] = noise(random);
        pixels.kinds.push_back(number < 50 ? 0 : 1);
    }
    return pixels;
}

bool are_equal(const std::vector<Tree>& one, const std::vector<Tree>& other) {
    if (one.size() != other.size()) {
        return false;
    }
    for (std::size_t tree = 0; tree < one.size(); ++tree) {
        if (one[tree].size() != other[tree].size()) {
            return false;
        }
        for (std::size_t node = 0; node < one[tree].size(); ++node) {
            const Node& first = one[tree][node];
            const Node& second = other[tree][node];
            if (first.depth != second.depth || first.kind != second.kind || first.feature != second.feature ||
                first.threshold != second.threshold || first.quality != second.quality) {
                return false;
            }
        }
    }
    return true;
}

// Few pixels are sorted, many are counted in bins.
TEST(Trees, SplitWhereTheClassesPart) {
    for (const std::size_t count : {100U, 3000U}) {
        const std::vector<Tree> trees = grow(two_sides(count), {5, 4, 1, 2, 7}, 1);
        ASSERT_EQ(trees.size(), 5U);
        for (const Tree& tree : trees) {
            ASSERT_EQ(tree.size(), 3U) << count;
            EXPECT_EQ(tree[0].feature, 0U);
            EXPECT_GT(tree[0].threshold, 0.4F);
            EXPECT_LT(tree[0].threshold, 0.7F);
            // A pure split of n pixels is worth n.
            EXPECT_NEAR(tree[0].quality, static_cast<double>(count), 1e-6);
            EXPECT_TRUE(tree[1].is_leaf());
            EXPECT_EQ(tree[1].kind, 0U);
            EXPECT_EQ(tree[1].depth, 1U);
            EXPECT_TRUE(tree[2].is_leaf());
            EXPECT_EQ(tree[2].kind, 1U);
        }
    }
}

TEST(Trees, AreNoDeeperThanAllowed) {
    const std::vector<Tree> roots = grow(two_sides(200), {3, 0, 1, 1, 7}, 1);
    for (const Tree& tree : roots) {
        ASSERT_EQ(tree.size(), 1U);
        EXPECT_TRUE(tree[0].is_leaf());
    }
    Pixels noise = two_sides(500);
    std::mt19937 random(3);
    for (auto& kind : noise.kinds) {
        kind = static_cast<std::uint8_t>(random() % 2);
    }
    for (const Tree& tree : grow(noise, {5, 3, 1, 2, 7}, 1)) {
        for (const Node& node : tree) {
            EXPECT_LE(node.depth, 3U);
            EXPECT_TRUE(node.depth < 3 || node.is_leaf());
        }
    }
}

TEST(Trees, DoNotSplitFewPixels) {
    for (const Tree& tree : grow(two_sides(50), {5, 5, 50, 2, 7}, 1)) {
        EXPECT_EQ(tree.size(), 1U);
    }
}

TEST(Trees, DependOnTheSeedAndNotOnTheThreads) {
    Pixels pixels = two_sides(400);
    std::mt19937 random(3);
    for (std::size_t pixel = 0; pixel < 400; pixel += 5) {
        pixels.kinds[pixel] = static_cast<std::uint8_t>(random() % 2);
    }
    const std::vector<Tree> one = grow(pixels, {12, 6, 2, 1, 42}, 1);
    EXPECT_TRUE(are_equal(grow(pixels, {12, 6, 2, 1, 42}, 3), one));
    EXPECT_TRUE(are_equal(grow(pixels, {12, 6, 2, 1, 42}, 100), one));
    EXPECT_FALSE(are_equal(grow(pixels, {12, 6, 2, 1, 43}, 1), one));
}

TEST(Trees, NeedSomethingToGrowOn) {
    EXPECT_THROW(grow({0, 1, 1, {}, {}}, {1, 1, 1, 1, 1}, 1), std::invalid_argument);
    EXPECT_THROW(grow(two_sides(10), {0, 1, 1, 1, 1}, 1), std::invalid_argument);
    EXPECT_THROW(grow(two_sides(10), {1, 1, 1, 0, 1}, 1), std::invalid_argument);
    EXPECT_THROW(grow(two_sides(10), {1, 1, 1, 3, 1}, 1), std::invalid_argument);
}

TEST(Trees, AreTheSameWhereTheSystemRefusesThreads) {
    const Pixels pixels = two_sides(300);
    const std::vector<Tree> expected = grow(pixels, {9, 4, 1, 1, 7}, 1);
    for (const int started : {0, 1, 2}) {
        const failing_threads::Limit limit(started);
        EXPECT_TRUE(are_equal(grow(pixels, {9, 4, 1, 1, 7}, 6), expected)) << started;
    }
}

}  // namespace
