// A forest that is grown in memory, against the one that goes through a model file.

#include "live/grown_forest.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "files.hpp"
#include "forest/block_votes.hpp"
#include "forest/model_file.hpp"
#include "training/model_writer.hpp"

namespace {

const std::atomic<bool> never{false};

constexpr std::size_t features = 5;
constexpr forest_training::Parameters parameters{12, 25, 2, 2, 3};

struct Sample {
    std::vector<float> values;
    std::vector<int> codes;

    live::LabelledPixels pixels() const { return {values.data(), codes.data(), codes.size(), features}; }
};

// The class follows from the first two features, but for some noise.
Sample sample(std::size_t count, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> number(0, 1);
    Sample result;
    for (std::size_t pixel = 0; pixel < count; ++pixel) {
        for (std::size_t feature = 0; feature < features; ++feature) {
            result.values.push_back(number(random));
        }
        const float* values = result.values.data() + pixel * features;
        const bool is_noise = random() % 10 == 0;
        result.codes.push_back(is_noise ? 7 : (values[0] < 0.5F ? 2 : (values[1] < 0.4F ? 5 : 7)));
    }
    return result;
}

std::vector<std::uint32_t> votes_of(const fast_forest::Forest& forest, const Sample& sample) {
    std::vector<const float*> pixels;
    for (std::size_t pixel = 0; pixel < sample.codes.size(); ++pixel) {
        pixels.push_back(sample.values.data() + pixel * features);
    }
    std::vector<std::uint32_t> votes(pixels.size() * forest.classes());
    forest.count_votes(pixels.data(), pixels.size(), votes.data());
    return votes;
}

TEST(GrownForest, IsTheOneOfTheModelFile) {
    const Sample trained = sample(300, 1);
    const fast_forest::Forest forest = live::grow_forest(trained.pixels(), parameters, {0, 12}, 2, never);
    EXPECT_EQ(forest.labels(), (std::vector<int>{2, 5, 7}));

    forest_training::Pixels pixels{300, features, 3, std::vector<float>(300 * features), {}};
    for (std::size_t pixel = 0; pixel < 300; ++pixel) {
        for (std::size_t feature = 0; feature < features; ++feature) {
            pixels.values[feature * 300 + pixel] = trained.values[pixel * features + feature];
        }
        pixels.kinds.push_back(trained.codes[pixel] == 2 ? 0 : (trained.codes[pixel] == 5 ? 1 : 2));
    }
    const files::TemporaryFolder folder;
    const std::string file = folder.file("model.rf");
    forest_training::write_model(file, forest_training::grow(pixels, parameters, 1), parameters, features,
                                 {2, 5, 7});
    const fast_forest::Forest read = fast_forest::read_forest(file);
    const Sample others = sample(500, 2);
    EXPECT_EQ(votes_of(forest, others), votes_of(read, others));
    ASSERT_EQ(forest.content().nodes.size(), read.content().nodes.size());
    EXPECT_EQ(forest.content().substitutes, read.content().substitutes);
}

TEST(GrownForest, VotesOfPartsAreThoseOfTheWhole) {
    const Sample trained = sample(200, 3);
    const Sample others = sample(100, 4);
    std::vector<std::uint32_t> sum(300);
    for (const forest_training::Range range : {forest_training::Range{0, 4}, {4, 5}, {5, 12}}) {
        const fast_forest::Forest part = live::grow_forest(trained.pixels(), parameters, range, 2, never);
        EXPECT_EQ(part.trees(), range.end - range.first);
        const std::vector<std::uint32_t> votes = votes_of(part, others);
        for (std::size_t index = 0; index < sum.size(); ++index) {
            sum[index] += votes[index];
        }
    }
    const fast_forest::Forest whole = live::grow_forest(trained.pixels(), parameters, {0, 12}, 1, never);
    EXPECT_EQ(sum, votes_of(whole, others));
}

TEST(GrownForest, RefusesWhatCannotBeTrainedOn) {
    Sample trained = sample(20, 5);
    EXPECT_THROW(live::grow_forest(trained.pixels(), parameters, {0, 13}, 1, never), std::invalid_argument);
    EXPECT_THROW(live::grow_forest(trained.pixels(), parameters, {3, 2}, 1, never), std::invalid_argument);
    trained.values[7] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(live::grow_forest(trained.pixels(), parameters, {0, 12}, 1, never), std::invalid_argument);
}

TEST(BlockVotes, LeaveOutWhatTheBlockDoesNotHold) {
    const Sample trained = sample(200, 6);
    const fast_forest::Forest forest = live::grow_forest(trained.pixels(), parameters, {0, 12}, 1, never);
    fast_forest::Aligned<float> values(features * fast_forest::block_pixels);
    const Sample others = sample(64, 7);
    for (std::size_t pixel = 0; pixel < 64; ++pixel) {
        for (std::size_t feature = 0; feature < features; ++feature) {
            values.data()[feature * 64 + pixel] = others.values[pixel * features + feature];
        }
    }
    const std::uint64_t held = 0xF0F0F0F012345678;
    fast_forest::BlockVotes block(forest);
    block.count(values.data(), ~std::uint64_t{0});
    const std::uint32_t* counts = block.count(values.data(), held);
    const std::vector<std::uint32_t> expected = votes_of(forest, others);
    for (std::size_t pixel = 0; pixel < 64; ++pixel) {
        for (std::size_t kind = 0; kind < 3; ++kind) {
            EXPECT_EQ(counts[kind * 64 + pixel], (held >> pixel & 1) != 0 ? expected[pixel * 3 + kind] : 0U);
        }
    }
}

}  // namespace
