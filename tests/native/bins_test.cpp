// The bins that the values of a feature are counted in.

#include "training/bins.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace {

using forest_training::Bins;

TEST(Bins, HoldFewValuesEach) {
    const std::vector<float> values{3, 1, 2, 1, 3};
    const Bins bins(values.data(), values.size());
    ASSERT_EQ(bins.size(), 3U);
    EXPECT_EQ(bins.of(0), 2);
    EXPECT_EQ(bins.of(1), 0);
    EXPECT_EQ(bins.of(2), 1);
    EXPECT_EQ(bins.of(3), 0);
    EXPECT_EQ(bins.least(1), 2.0F);
    EXPECT_EQ(bins.largest(1), 2.0F);
}

TEST(Bins, ShareManyValuesEvenly) {
    std::mt19937 random(2);
    std::uniform_real_distribution<float> numbers(-1, 1);
    std::vector<float> values(10000);
    for (float& value : values) {
        value = numbers(random);
    }
    const Bins bins(values.data(), values.size());
    ASSERT_LE(bins.size(), 256U);
    ASSERT_GE(bins.size(), 250U);
    std::vector<std::size_t> counts(bins.size());
    for (std::size_t pixel = 0; pixel < values.size(); ++pixel) {
        const std::size_t bin = bins.of(pixel);
        EXPECT_LE(bins.least(bin), values[pixel]);
        EXPECT_GE(bins.largest(bin), values[pixel]);
        ++counts[bin];
    }
    // 10000 / 256 is 39.06.
    EXPECT_LE(*std::max_element(counts.begin(), counts.end()), 41U);
    for (std::size_t bin = 1; bin < bins.size(); ++bin) {
        EXPECT_LT(bins.largest(bin - 1), bins.least(bin));
    }
}

TEST(Bins, DoNotDivideEqualValues) {
    std::vector<float> values(1000, 5);
    std::fill_n(values.begin(), 10, 4.0F);
    std::fill_n(values.rbegin(), 10, 6.0F);
    const Bins bins(values.data(), values.size());
    ASSERT_EQ(bins.size(), 3U);
    for (std::size_t pixel = 0; pixel < 1000; ++pixel) {
        EXPECT_EQ(bins.of(pixel), pixel < 10 ? 0 : pixel < 990 ? 1 : 2) << pixel;
    }
}

}  // namespace
