// The maps of windows, against a plain computation pixel by pixel.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "classification/share_smoothing.hpp"
#include "forest/block_votes.hpp"
#include "hand_made_forest.hpp"
#include "live/feature_blocks.hpp"
#include "live/lines.hpp"
#include "live/majority.hpp"
#include "live/map_making.hpp"
#include "live/share_planes.hpp"

namespace {

constexpr std::size_t height = 37;
constexpr std::size_t width = 45;
constexpr std::size_t down = 5;
constexpr std::size_t across = 6;
constexpr std::size_t features = 4;
constexpr int classes = 3;

const std::atomic<bool> never{false};

// A scene of random features, a third of which is without data.
class LiveMaps : public testing::Test {
  protected:
    LiveMaps()
        : made(20, features, classes),
          forest(made.content()),
          pixels(height * width),
          values(down * across * features * live::block_pixels),
          valid(down * across * live::block_pixels) {
        std::vector<float> tile(features * height * width);
        std::mt19937 random(1);
        for (std::size_t row = 0; row < height; ++row) {
            for (std::size_t column = 0; column < width; ++column) {
                std::vector<float>& pixel = pixels[row * width + column];
                pixel = made.pixel();
                for (std::size_t feature = 0; feature < features; ++feature) {
                    tile[(feature * height + row) * width + column] = pixel[feature];
                }
                valid[row * across * live::block_side + column] = random() % 3 != 0 ? 1 : 0;
            }
        }
        EXPECT_FALSE(live::store({tile.data(), features, height, width}, 0, 0, across, values.data()));
    }

    live::FeatureBlocks blocks() { return {values.data(), down, across, features, valid.data()}; }
    bool is_valid(std::size_t row, std::size_t column) const {
        return valid[row * across * live::block_side + column] == 1;
    }

    struct Maps {
        explicit Maps(std::size_t size) : labels(size), confidence(size), margin(size), second(size) {}
        live::WindowMaps room() { return {labels.data(), confidence.data(), margin.data(), second.data()}; }

        std::vector<std::uint8_t> labels;
        std::vector<float> confidence;
        std::vector<float> margin;
        std::vector<std::uint8_t> second;
    };

    Maps made_maps(const live::Window& window, float smoothing, std::size_t threads = 2) {
        live::VotePlanes planes(window, live::reach_of(smoothing, 0), classes);
        EXPECT_TRUE(planes.add(forest, blocks(), threads, never));
        Maps maps(window.rows * window.columns);
        EXPECT_TRUE(live::make_maps(planes, {{11, 22, 33}, 20, smoothing, 0, smoothing > 0}, {height, width},
                                    maps.room(), threads, never));
        return maps;
    }

    // The filters' own smoothing, of the whole scene.
    std::vector<float> means(float smoothing) {
        std::vector<float> result;
        if (smoothing == 0) {
            for (const std::vector<float>& pixel : pixels) {
                for (const std::uint32_t votes : made.votes(pixel.data())) {
                    result.push_back(static_cast<float>(votes));
                }
            }
            return result;
        }
        classification::ShareSmoothing smooth(classification::gaussian_weights(smoothing), width, classes);
        for (std::size_t row = 0; row < height + smooth.radius(); ++row) {
            if (row < height) {
                std::vector<float> shares;
                std::vector<std::size_t> places;
                for (std::size_t column = 0; column < width; ++column) {
                    if (is_valid(row, column)) {
                        places.push_back(column);
                        for (const std::uint32_t votes : made.votes(pixels[row * width + column].data())) {
                            shares.push_back(static_cast<float>(votes));
                        }
                    }
                }
                smooth.push(shares, places);
            } else {
                smooth.push_nothing();
            }
            if (row >= smooth.radius()) {
                const std::vector<float>& mean = smooth.mean();
                result.insert(result.end(), mean.begin(), mean.end());
            }
        }
        return result;
    }

    void expect_maps(const live::Window& window, float smoothing) {
        const Maps maps = made_maps(window, smoothing);
        const std::vector<float> expected = means(smoothing);
        const int labels[] = {11, 22, 33};
        for (std::size_t row = 0; row < window.rows; ++row) {
            for (std::size_t column = 0; column < window.columns; ++column) {
                const std::size_t at = row * window.columns + column;
                const std::size_t y = window.row + row;
                const std::size_t x = window.column + column;
                if (!is_valid(y, x)) {
                    EXPECT_EQ(maps.labels[at] + maps.second[at], 0);
                    EXPECT_EQ(maps.confidence[at] + maps.margin[at], 0);
                    continue;
                }
                const float* shares = expected.data() + (y * width + x) * classes;
                const float* first = std::max_element(shares, shares + classes);
                const float* second = first == shares ? shares + 1 : shares;
                for (const float* share = shares; share < shares + classes; ++share) {
                    second = share != first && *share > *second ? share : second;
                }
                const auto told = [smoothing](float share) {
                    return smoothing > 0 ? std::round(share * 200.0F) / 200.0F : share;
                };
                EXPECT_EQ(maps.labels[at], labels[first - shares]) << y << ' ' << x;
                EXPECT_EQ(maps.second[at], labels[second - shares]) << y << ' ' << x;
                EXPECT_EQ(maps.confidence[at], told(*first / 20.0F));
                EXPECT_EQ(maps.margin[at], told((*first - *second) / 20.0F));
            }
        }
    }

    forests::RandomForest made;
    fast_forest::Forest forest;
    std::vector<std::vector<float>> pixels;
    fast_forest::Aligned<float> values;
    std::vector<std::uint8_t> valid;
};

TEST_F(LiveMaps, AreThoseOfThePlainComputation) {
    for (const float smoothing : {0.0F, 0.7F, 1.6F}) {
        for (const live::Window& window : {live::Window{0, 0, height, width},
                                           {0, 0, 1, 1},
                                           {36, 44, 1, 1},
                                           {7, 8, 18, 17},
                                           {15, 0, 2, 45}}) {
            expect_maps(window, smoothing);
        }
    }
}

TEST_F(LiveMaps, AreTheSameWithEveryProcessorAndNumberOfThreads) {
    const live::Window window{3, 5, 30, 40};
    for (const float smoothing : {0.0F, 1.1F}) {
        const Maps one = made_maps(window, smoothing, 1);
        const Maps many = made_maps(window, smoothing, 7);
        EXPECT_EQ(one.labels, many.labels);
        EXPECT_EQ(one.second, many.second);
        EXPECT_EQ(one.confidence, many.confidence);
        EXPECT_EQ(one.margin, many.margin);
    }
}

TEST_F(LiveMaps, AddVotesOfParts) {
    fast_forest::ForestContent first = made.content();
    fast_forest::ForestContent second = made.content();
    first.roots.resize(8);
    second.roots.erase(second.roots.begin(), second.roots.begin() + 8);
    const live::Window window{2, 2, 30, 30};
    live::VotePlanes planes(window, 1, classes);
    EXPECT_TRUE(planes.add(fast_forest::Forest(first), blocks(), 2, never));
    EXPECT_TRUE(planes.add(fast_forest::Forest(second), blocks(), 2, never));
    Maps maps(window.rows * window.columns);
    EXPECT_TRUE(
        live::make_maps(planes, {{11, 22, 33}, 20, 0.5F, 0, true}, {height, width}, maps.room(), 1, never));
    const Maps whole = made_maps(window, 0.5F);
    EXPECT_EQ(maps.labels, whole.labels);
    EXPECT_EQ(maps.confidence, whole.confidence);
}

TEST_F(LiveMaps, StopEarly) {
    const std::atomic<bool> stopped{true};
    live::VotePlanes planes({0, 0, height, width}, 1, classes);
    EXPECT_FALSE(planes.add(forest, blocks(), 2, stopped));
    Maps maps(height * width);
    EXPECT_FALSE(
        live::make_maps(planes, {{11, 22, 33}, 20, 0.5F, 0, true}, {height, width}, maps.room(), 2, stopped));
}

TEST_F(LiveMaps, RefuseWhatDoesNotFit) {
    EXPECT_THROW(live::VotePlanes({0, 0, 0, 4}, 1, classes), std::invalid_argument);
    EXPECT_THROW(live::VotePlanes({0, 0, 4, 4}, 1, 1), std::invalid_argument);
    live::VotePlanes beyond({0, 0, 41, 4}, 1, classes);
    EXPECT_THROW(beyond.add(forest, blocks(), 1, never), std::invalid_argument);
    live::VotePlanes others({0, 0, 4, 4}, 1, classes + 1);
    EXPECT_THROW(others.add(forest, blocks(), 1, never), std::invalid_argument);
    live::VotePlanes narrow({0, 0, 4, 4}, 1, classes);
    Maps maps(16);
    EXPECT_THROW(
        live::make_maps(narrow, {{11, 22, 33}, 20, 2.0F, 0, true}, {height, width}, maps.room(), 1, never),
        std::invalid_argument);
}

TEST(FeatureBlocks, TellOfMissingValues) {
    std::vector<float> tile(81, 1);
    fast_forest::Aligned<float> blocks(4 * live::block_pixels);
    EXPECT_FALSE(live::store({tile.data(), 1, 9, 9}, 0, 0, 2, blocks.data()));
    EXPECT_EQ(blocks.data()[3 * live::block_pixels], 1);
    EXPECT_EQ(blocks.data()[3 * live::block_pixels + 1], 0);
    tile.back() = std::numeric_limits<float>::max();
    EXPECT_TRUE(live::store({tile.data(), 1, 9, 9}, 0, 0, 2, blocks.data()));
}

struct Set {
    const char* name;
    const live::Lines* lines;
    bool is_there;
};

void PrintTo(const Set& set, std::ostream* stream) {
    *stream << set.name;
}

std::vector<Set> all_sets() {
    std::vector<Set> all{{"portable", &live::portable_lines, true}};
#if defined(__x86_64__)
    __builtin_cpu_init();
    all.push_back({"avx2", &live::avx2_lines, __builtin_cpu_supports("avx2") != 0});
    all.push_back({"avx512", &live::avx512_lines, __builtin_cpu_supports("avx512bw") != 0});
#endif
    return all;
}

class LinesTest : public testing::TestWithParam<Set> {};

INSTANTIATE_TEST_SUITE_P(Processors, LinesTest, testing::ValuesIn(all_sets()),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_P(LinesTest, SumInTheOrderOfThePixels) {
    if (!GetParam().is_there) {
        GTEST_SKIP() << "this processor has no " << GetParam().name;
    }
    std::mt19937 random(5);
    std::uniform_real_distribution<float> number(0, 1);
    constexpr std::size_t count = 101;
    const std::vector<float> weights{0.1F, 0.7F, 0.2F};
    std::vector<float> fractions(count + 2);
    std::vector<std::uint16_t> votes(count + 2);
    for (std::size_t x = 0; x < count + 2; ++x) {
        fractions[x] = number(random);
        votes[x] = static_cast<std::uint16_t>(random() % 300);
    }
    std::vector<float> of_fractions(count);
    std::vector<float> of_votes(count);
    GetParam().lines->sum_fractions(fractions.data(), count, weights.data(), 3, of_fractions.data());
    GetParam().lines->sum_votes(votes.data(), count, weights.data(), 3, of_votes.data());
    for (std::size_t x = 0; x < count; ++x) {
        volatile float product = 0;
        float sum_of_fractions = 0;
        float sum_of_votes = 0;
        for (std::size_t tap = 0; tap < 3; ++tap) {
            product = weights[2 - tap] * fractions[x + tap];
            sum_of_fractions += product;
            product = weights[2 - tap] * static_cast<float>(votes[x + tap]);
            sum_of_votes += product;
        }
        EXPECT_EQ(of_fractions[x], sum_of_fractions);
        EXPECT_EQ(of_votes[x], sum_of_votes);
    }
    std::vector<float> sums = of_votes;
    GetParam().lines->add(of_fractions.data(), count, 0.3F, sums.data());
    for (std::size_t x = 0; x < count; ++x) {
        const volatile float product = 0.3F * of_fractions[x];
        EXPECT_EQ(sums[x], of_votes[x] + product);
    }
}

// Two classes of 0.5, and a third that is in none: of equal classes the first one wins.
TEST_P(LinesTest, ChooseTheFirstOfEqualClasses) {
    if (!GetParam().is_there) {
        GTEST_SKIP() << "this processor has no " << GetParam().name;
    }
    constexpr std::size_t count = 70;
    std::vector<float> sums(4 * count, 1.0F);
    std::fill(sums.begin(), sums.begin() + count, 0.0F);
    std::fill(sums.begin() + 3 * count, sums.end(), 2.0F);
    std::vector<std::uint8_t> first(count);
    std::vector<std::uint8_t> second(count);
    std::vector<float> confidence(count);
    std::vector<float> margin(count);
    GetParam().lines->choose({sums.data(), count, 3, 1, true},
                             {first.data(), second.data(), confidence.data(), margin.data()});
    EXPECT_EQ(first, std::vector<std::uint8_t>(count, 1));
    EXPECT_EQ(second, std::vector<std::uint8_t>(count, 2));
    EXPECT_EQ(confidence, std::vector<float>(count, 0.5F));
    EXPECT_EQ(margin, std::vector<float>(count, 0.0F));
}

// Radius 1 is a square of 3 x 3 pixels.
TEST(Majority, IsTakenOfThePixelsOfTheImage) {
    const live::Labels labels{3, 3, {7, 2, 7, 2, 7, 2, 2, 0, 2}};
    live::Labels part{3, 3, std::vector<std::uint8_t>(9)};
    live::vote_by_majority(labels, 1, 0, 0, part);
    // The upper row sees as many of both classes, and keeps its own. The pixel in the middle sees three of 7.
    // The pixel without data stays.
    EXPECT_EQ(part.codes, (std::vector<std::uint8_t>{7, 2, 7, 2, 2, 2, 2, 0, 2}));
}

}  // namespace
