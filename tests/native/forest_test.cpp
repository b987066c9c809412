// Votes, labels and margins of forests whose answers are known.

#include "forest/forest.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <vector>

#include "hand_made_forest.hpp"

namespace {

using fast_forest::Child;
using fast_forest::Forest;
using fast_forest::ForestContent;
using Votes = std::vector<std::uint32_t>;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();
// OpenCV's number for a missing value.
constexpr float missing = std::numeric_limits<float>::max();

Votes votes_of(const Forest& forest, const std::vector<float>& pixel) {
    const float* pixels = pixel.data();
    Votes votes(forest.classes());
    forest.count_votes(&pixels, 1, votes.data());
    return votes;
}

TEST(Forest, TellsItsSizes) {
    const Forest forest(forests::three_trees());
    EXPECT_EQ(forest.features(), 2U);
    EXPECT_EQ(forest.classes(), 3U);
    EXPECT_EQ(forest.trees(), 3U);
    EXPECT_EQ(forest.labels(), (std::vector<int>{10, 20, 30}));
}

TEST(Forest, GoesLeftWhereAFeatureEqualsTheThreshold) {
    const Forest forest(forests::three_trees());
    EXPECT_EQ(votes_of(forest, {0.5F, 1.0F}), (Votes{2, 1, 0}));
    EXPECT_EQ(votes_of(forest, {0.6F, 2.0F}), (Votes{0, 2, 1}));
}

TEST(Forest, GoesRightWithNaN) {
    const Forest forest(forests::three_trees());
    EXPECT_EQ(votes_of(forest, {not_a_number, not_a_number}), (Votes{0, 1, 2}));
    EXPECT_EQ(votes_of(forest, {not_a_number, 0.0F}), (Votes{1, 2, 0}));
}

TEST(Forest, ComparesInfinity) {
    const Forest forest(forests::three_trees());
    EXPECT_EQ(votes_of(forest, {-infinity, infinity}), (Votes{1, 1, 1}));
}

TEST(Forest, ChoosesTheClassOfTheMostVotes) {
    const Forest forest(forests::three_trees());
    const Votes votes{1, 2, 0};
    EXPECT_EQ(forest.winner(votes.data()), 1U);
    EXPECT_EQ(forest.runner_up(votes.data()), 0U);
    EXPECT_EQ(forest.lead(votes.data()), 1U);
}

TEST(Forest, ChoosesTheFirstClassOfATie) {
    const Forest forest(forests::three_trees());
    const Votes all{1, 1, 1};
    EXPECT_EQ(forest.winner(all.data()), 0U);
    EXPECT_EQ(forest.runner_up(all.data()), 1U);
    EXPECT_EQ(forest.lead(all.data()), 0U);
    const Votes behind{1, 0, 1};
    EXPECT_EQ(forest.winner(behind.data()), 0U);
    EXPECT_EQ(forest.runner_up(behind.data()), 2U);
    const Votes last{0, 0, 3};
    EXPECT_EQ(forest.winner(last.data()), 2U);
    EXPECT_EQ(forest.runner_up(last.data()), 0U);
    EXPECT_EQ(forest.lead(last.data()), 3U);
}

TEST(Forest, GivesSharesInSinglePrecision) {
    const Forest forest(forests::three_trees());
    EXPECT_EQ(forest.share(0), 0.0F);
    EXPECT_EQ(forest.share(1), 1.0F / 3.0F);
    EXPECT_EQ(forest.share(3), 1.0F);
}

TEST(Forest, LabelsAPixelByItsVotes) {
    const Forest forest(forests::three_trees());
    const std::vector<float> pixel{0.6F, 0.0F};
    const Votes votes = votes_of(forest, pixel);
    EXPECT_EQ(votes, (Votes{1, 2, 0}));
    EXPECT_EQ(forest.label(pixel.data(), votes.data()), 20);
}

TEST(Forest, SubstitutesMissingValuesForTheLabelAlone) {
    ForestContent content = forests::three_trees();
    content.substitutes = {0.7F, 5.0F};
    const Forest forest(content);
    const std::vector<float> pixel{0.0F, missing};
    const Votes votes = votes_of(forest, pixel);
    // As they are: class 0, class 1, class 2, of which the first wins.
    EXPECT_EQ(votes, (Votes{1, 1, 1}));
    EXPECT_EQ(forest.label(pixel.data(), votes.data()), 10);
    const std::vector<float> other{missing, 5.0F};
    // The substitute of the first feature is above 0.5, and so is the missing value: class 2 twice.
    EXPECT_EQ(votes_of(forest, other), (Votes{0, 1, 2}));
    EXPECT_EQ(forest.label(other.data(), votes_of(forest, other).data()), 30);
}

TEST(Forest, ChangesTheLabelWithTheSubstitute) {
    ForestContent content = forests::three_trees();
    content.substitutes = {0.0F, 0.0F};
    const Forest forest(content);
    const std::vector<float> pixel{missing, 0.0F};
    const Votes votes = votes_of(forest, pixel);
    EXPECT_EQ(votes, (Votes{1, 2, 0}));
    // With 0 in its place, trees 1 and 3 vote for class 0.
    EXPECT_EQ(forest.label(pixel.data(), votes.data()), 10);
}

TEST(Forest, SendsMissingValuesLeftWithoutSubstitutes) {
    const Forest forest(forests::three_trees());
    const std::vector<float> pixel{missing, missing};
    EXPECT_EQ(votes_of(forest, pixel), (Votes{0, 1, 2}));
    EXPECT_EQ(forest.label(pixel.data(), votes_of(forest, pixel).data()), 10);
}

TEST(Forest, OfOneClassHasNoSecond) {
    ForestContent content;
    content.roots = {Child::leaf(0), Child::leaf(0)};
    content.labels = {4};
    content.features = 1;
    const Forest forest(content);
    const Votes votes = votes_of(forest, {1.0F});
    EXPECT_EQ(votes, (Votes{2}));
    EXPECT_EQ(forest.lead(votes.data()), 2U);
}

// More pixels than a block of 64 and more trees than are walked through at a time, with a remainder of each.
TEST(Forest, CountsTheVotesOfManyPixelsAndTrees) {
    forests::RandomForest made(150, 5, 4);
    const Forest forest(made.content());
    std::vector<std::vector<float>> pixels;
    std::vector<const float*> pointers;
    Votes expected;
    for (int number = 0; number < 200; ++number) {
        pixels.push_back(made.pixel());
    }
    for (const auto& pixel : pixels) {
        pointers.push_back(pixel.data());
        const Votes votes = made.votes(pixel.data());
        expected.insert(expected.end(), votes.begin(), votes.end());
    }
    // Whatever is there before is overwritten.
    Votes votes(pixels.size() * 4, 99);
    forest.count_votes(pointers.data(), pointers.size(), votes.data());
    EXPECT_EQ(votes, expected);
}

TEST(Forest, RefusesWhatIsImpossible) {
    const auto refused = [](auto change) {
        ForestContent content = forests::three_trees();
        change(content);
        EXPECT_THROW(Forest forest(content), std::invalid_argument);
    };
    refused([](ForestContent& content) { content.roots.clear(); });
    refused([](ForestContent& content) { content.labels.clear(); });
    refused([](ForestContent& content) { content.features = 0; });
    refused([](ForestContent& content) { content.features = 1; });
    refused([](ForestContent& content) { content.labels = {10, 20}; });
    refused([](ForestContent& content) { content.labels.resize(10001); });
    refused([](ForestContent& content) { content.substitutes = {1.0F}; });
    refused([](ForestContent& content) { content.nodes[0].feature = -1; });
    refused([](ForestContent& content) { content.roots[0] = Child::node(3); });
    // Around in a circle, and back to where it began.
    refused([](ForestContent& content) { content.nodes[1].left = Child::node(0); });
    refused([](ForestContent& content) { content.nodes[1].right = Child::node(1); });
}

}  // namespace
