// The median in a moving window, against sorting each window.

#include "cleaning/sliding_median.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

using cleaning::Grid;
using cleaning::sliding_median;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

float sorted_median(const Grid& image, std::size_t top, std::size_t left, std::size_t side) {
    std::vector<float> window;
    for (std::size_t row = top; row < top + side; ++row) {
        for (std::size_t column = left; column < left + side; ++column) {
            const float value = image.values[row * image.columns + column];
            if (!std::isnan(value)) {
                window.push_back(value);
            }
        }
    }
    std::sort(window.begin(), window.end());
    return window.empty() ? not_a_number : window[window.size() / 2];
}

void expect_medians(const Grid& image, std::size_t radius) {
    const Grid result = sliding_median(image, radius);
    ASSERT_EQ(result.rows, image.rows - 2 * radius);
    ASSERT_EQ(result.columns, image.columns - 2 * radius);
    ASSERT_EQ(result.values.size(), result.rows * result.columns);
    for (std::size_t row = 0; row < result.rows; ++row) {
        for (std::size_t column = 0; column < result.columns; ++column) {
            const float expected = sorted_median(image, row, column, 2 * radius + 1);
            const float found = result.values[row * result.columns + column];
            if (std::isnan(expected)) {
                EXPECT_TRUE(std::isnan(found)) << row << ", " << column;
            } else {
                EXPECT_EQ(found, expected) << row << ", " << column;
            }
        }
    }
}

Grid random_grid(std::size_t rows, std::size_t columns, unsigned int levels, double share_of_nan) {
    std::mt19937 random(11);
    std::uniform_real_distribution<double> chance(0, 1);
    Grid grid{rows, columns, {}};
    for (std::size_t index = 0; index < rows * columns; ++index) {
        const auto level = static_cast<float>(random() % levels);
        grid.values.push_back(chance(random) < share_of_nan ? not_a_number : level / 64 - 3);
    }
    return grid;
}

TEST(SlidingMedian, IsTheMiddleOfTheWindow) {
    const Grid image{3,
                     4,
                     {1, 2, 3, 9,  //
                      4, 5, 6, 9,  //
                      7, 8, 9, 9}};
    const Grid result = sliding_median(image, 1);
    // Of 1 to 9, and of 2 3 5 6 8 9 9 9 9.
    EXPECT_EQ(result.values, (std::vector<float>{5, 8}));
}

TEST(SlidingMedian, IsTheUpperOneOfTwo) {
    const Grid image{3,
                     3,
                     {1, 2, 3,             //
                      4, not_a_number, 5,  //
                      6, 7, 8}};
    EXPECT_EQ(sliding_median(image, 1).values, (std::vector<float>{5}));
}

TEST(SlidingMedian, IsNaNOfNothing) {
    const Grid image{3, 3, std::vector<float>(9, not_a_number)};
    EXPECT_TRUE(std::isnan(sliding_median(image, 1).values.front()));
}

TEST(SlidingMedian, OfRadiusZeroIsTheImage) {
    const Grid image = random_grid(4, 5, 7, 0);
    EXPECT_EQ(sliding_median(image, 0).values, image.values);
}

TEST(SlidingMedian, FollowsFewLevels) {
    expect_medians(random_grid(20, 31, 9, 0), 1);
    expect_medians(random_grid(20, 31, 200, 0.3), 2);
    expect_medians(random_grid(20, 31, 3, 0.9), 3);
}

// More than 4096 different values are not counted in a histogram.
TEST(SlidingMedian, SelectsAmongManyLevels) {
    const Grid image = random_grid(80, 90, 1000000, 0.2);
    std::vector<float> different = image.values;
    different.erase(std::remove_if(different.begin(), different.end(), [](float v) { return std::isnan(v); }),
                    different.end());
    std::sort(different.begin(), different.end());
    ASSERT_GT(std::unique(different.begin(), different.end()) - different.begin(), 4096);
    expect_medians(image, 2);
}

TEST(SlidingMedian, RefusesAnImageSmallerThanTheWindow) {
    EXPECT_THROW(sliding_median(random_grid(4, 9, 3, 0), 2), std::invalid_argument);
    EXPECT_THROW(sliding_median(random_grid(9, 4, 3, 0), 2), std::invalid_argument);
}

}  // namespace
