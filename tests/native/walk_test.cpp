// The same votes on every kind of processor.

#include "forest/walk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "hand_made_forest.hpp"

namespace {

using namespace fast_forest;

struct Instructions {
    const char* name;
    CountVotes count_votes;
    bool are_there;
};

void PrintTo(const Instructions& instructions, std::ostream* stream) {
    *stream << instructions.name;
}

std::vector<Instructions> all_instructions() {
    std::vector<Instructions> all{{"portable", count_votes_portable, true}};
#if defined(__x86_64__)
    __builtin_cpu_init();
    all.push_back({"avx2", count_votes_avx2, __builtin_cpu_supports("avx2") != 0});
    all.push_back({"avx512", count_votes_avx512, __builtin_cpu_supports("avx512bw") != 0});
#endif
    return all;
}

class WalkTest : public testing::TestWithParam<Instructions> {};

INSTANTIATE_TEST_SUITE_P(Processors, WalkTest, testing::ValuesIn(all_instructions()),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

// Vectors are read from and written to the boundaries of 64 bytes.
struct alignas(64) Block {
    float values[6 * block_pixels];
    std::uint8_t votes[5 * block_pixels];
};

void expect_votes(CountVotes count_votes, forests::RandomForest& made, std::size_t pixels) {
    const ForestContent& content = made.content();
    const std::size_t classes = content.labels.size();
    Block block{};
    std::vector<std::vector<float>> of_pixels;
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        of_pixels.push_back(made.pixel());
        for (std::size_t feature = 0; feature < content.features; ++feature) {
            block.values[feature * block_pixels + pixel] = of_pixels.back()[feature];
        }
    }
    const std::uint64_t there = pixels == block_pixels ? ~std::uint64_t{0} : (std::uint64_t{1} << pixels) - 1;
    std::vector<Visit> visits(3 * most_visits);
    count_votes({content.nodes.data(), content.roots.data(), content.roots.size(), block.values, there,
                 block.votes, visits.data(), visits.data() + most_visits, visits.data() + 2 * most_visits});
    for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
        const std::vector<std::uint32_t> expected =
            pixel < pixels ? made.votes(of_pixels[pixel].data()) : std::vector<std::uint32_t>(classes);
        for (std::size_t kind = 0; kind < classes; ++kind) {
            EXPECT_EQ(block.votes[kind * block_pixels + pixel], expected[kind])
                << "pixel " << pixel << ", class " << kind;
        }
    }
}

TEST_P(WalkTest, CountsTheVotesOfAWholeBlock) {
    if (!GetParam().are_there) {
        GTEST_SKIP() << "this processor has no " << GetParam().name;
    }
    forests::RandomForest made(most_trees, 6, 5);
    expect_votes(GetParam().count_votes, made, block_pixels);
}

TEST_P(WalkTest, CountsNoVotesOfPixelsThatAreNotThere) {
    if (!GetParam().are_there) {
        GTEST_SKIP() << "this processor has no " << GetParam().name;
    }
    forests::RandomForest made(20, 6, 5);
    expect_votes(GetParam().count_votes, made, 33);
    expect_votes(GetParam().count_votes, made, 1);
}

}  // namespace
