// The mean of shares weighted by a Gaussian, against the formula in two dimensions.

#include "classification/share_smoothing.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

using classification::gaussian_weights;
using classification::ShareSmoothing;

TEST(GaussianWeights, AreThoseOfTheBellCurve) {
    for (const double deviation : {0.3, 0.5, 1.0, 1.7, 4.0}) {
        const std::vector<float> weights = gaussian_weights(deviation);
        const long radius = std::max(1L, std::lround(2 * deviation));
        ASSERT_EQ(weights.size(), static_cast<std::size_t>(2 * radius + 1)) << deviation;
        double total = 0;
        for (long at = -radius; at <= radius; ++at) {
            total += std::exp(-0.5 * std::pow(static_cast<double>(at) / deviation, 2));
        }
        for (long at = -radius; at <= radius; ++at) {
            const double expected = std::exp(-0.5 * std::pow(static_cast<double>(at) / deviation, 2)) / total;
            EXPECT_FLOAT_EQ(weights[static_cast<std::size_t>(at + radius)], static_cast<float>(expected));
        }
        EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-6);
    }
}

// exp(-1/2) = 0.60653, exp(-2) = 0.13534, and their sum on both sides with 1 is 2.48373.
TEST(GaussianWeights, OfOnePixel) {
    const std::vector<float> weights = gaussian_weights(1);
    ASSERT_EQ(weights.size(), 5U);
    EXPECT_NEAR(weights[0], 0.05449, 1e-5);
    EXPECT_NEAR(weights[1], 0.24420, 1e-5);
    EXPECT_NEAR(weights[2], 0.40262, 1e-5);
    EXPECT_EQ(weights[1], weights[3]);
    EXPECT_EQ(weights[0], weights[4]);
}

TEST(GaussianWeights, NeedADeviation) {
    EXPECT_THROW(gaussian_weights(0), std::invalid_argument);
    EXPECT_THROW(gaussian_weights(-1), std::invalid_argument);
    EXPECT_THROW(gaussian_weights(std::nan("")), std::invalid_argument);
}

struct Image {
    std::size_t rows;
    std::size_t columns;
    std::size_t classes;
    // By row, column and class.
    std::vector<float> shares;
    std::vector<bool> has_data;
};

Image random_image(std::size_t rows, std::size_t columns, std::size_t classes) {
    std::mt19937 random(9);
    Image image{rows, columns, classes, {}, {}};
    for (std::size_t pixel = 0; pixel < rows * columns; ++pixel) {
        image.has_data.push_back(random() % 4 != 0);
        for (std::size_t kind = 0; kind < classes; ++kind) {
            image.shares.push_back(static_cast<float>(random() % 100));
        }
    }
    return image;
}

// The means of all rows, by row, column and class.
std::vector<float> smoothed(const Image& image, double deviation) {
    ShareSmoothing smoothing(gaussian_weights(deviation), image.columns, image.classes);
    std::vector<float> means;
    for (std::size_t row = 0; row < image.rows + smoothing.radius(); ++row) {
        std::vector<float> shares;
        std::vector<std::size_t> places;
        for (std::size_t column = 0; row < image.rows && column < image.columns; ++column) {
            const std::size_t pixel = row * image.columns + column;
            if (image.has_data[pixel]) {
                const auto first = image.shares.begin() + static_cast<std::ptrdiff_t>(pixel * image.classes);
                shares.insert(shares.end(), first, first + static_cast<std::ptrdiff_t>(image.classes));
                places.push_back(column);
            }
        }
        if (row < image.rows) {
            smoothing.push(shares, places);
        } else {
            smoothing.push_nothing();
        }
        if (row >= smoothing.radius()) {
            const std::vector<float>& mean = smoothing.mean();
            means.insert(means.end(), mean.begin(), mean.end());
        }
    }
    return means;
}

double mean_in_two_dimensions(const Image& image, double deviation, std::size_t row, std::size_t column,
                              std::size_t kind) {
    const double radius = static_cast<double>(std::max(1L, std::lround(2 * deviation)));
    double sum = 0;
    double total = 0;
    for (std::size_t other_row = 0; other_row < image.rows; ++other_row) {
        for (std::size_t other_column = 0; other_column < image.columns; ++other_column) {
            const double down = static_cast<double>(other_row) - static_cast<double>(row);
            const double right = static_cast<double>(other_column) - static_cast<double>(column);
            const std::size_t pixel = other_row * image.columns + other_column;
            if (std::fabs(down) > radius || std::fabs(right) > radius || !image.has_data[pixel]) {
                continue;
            }
            const double weight = std::exp(-(down * down + right * right) / (2 * deviation * deviation));
            sum += weight * image.shares[pixel * image.classes + kind];
            total += weight;
        }
    }
    return total > 0 ? sum / total : 0;
}

TEST(ShareSmoothing, IsAGaussianMeanOverThePixelsThatHaveData) {
    const Image image = random_image(11, 14, 3);
    for (const double deviation : {0.4, 1.0, 2.3}) {
        const std::vector<float> means = smoothed(image, deviation);
        ASSERT_EQ(means.size(), image.shares.size());
        for (std::size_t row = 0; row < image.rows; ++row) {
            for (std::size_t column = 0; column < image.columns; ++column) {
                for (std::size_t kind = 0; kind < image.classes; ++kind) {
                    const double expected = mean_in_two_dimensions(image, deviation, row, column, kind);
                    EXPECT_NEAR(means[(row * image.columns + column) * image.classes + kind], expected, 1e-3)
                        << deviation << ": " << row << ", " << column << ", " << kind;
                }
            }
        }
    }
}

TEST(ShareSmoothing, LeavesAConstantAsItIs) {
    Image image = random_image(8, 8, 1);
    image.shares.assign(image.shares.size(), 60);
    image.has_data.assign(image.has_data.size(), true);
    for (const float mean : smoothed(image, 1.5)) {
        EXPECT_NEAR(mean, 60, 1e-4);
    }
}

// One pixel alone shows the kernel itself.
TEST(ShareSmoothing, SpreadsOneVoteAsTheKernel) {
    Image image{9, 9, 1, std::vector<float>(81, 0), std::vector<bool>(81, true)};
    image.shares[4 * 9 + 4] = 1000;
    const std::vector<float> weights = gaussian_weights(1);
    const std::vector<float> means = smoothed(image, 1);
    for (std::size_t row = 2; row < 7; ++row) {
        for (std::size_t column = 2; column < 7; ++column) {
            EXPECT_NEAR(means[row * 9 + column], 1000.0 * weights[row - 2] * weights[column - 2], 1e-2);
        }
    }
    EXPECT_EQ(means[0], 0.0F);
    EXPECT_EQ(means[4 * 9 + 1], 0.0F);
}

TEST(ShareSmoothing, GivesNothingWhereNoPixelHasData) {
    const Image image{3, 20, 2, std::vector<float>(120, 7), std::vector<bool>(60, false)};
    for (const float mean : smoothed(image, 1)) {
        EXPECT_EQ(mean, 0.0F);
    }
}

}  // namespace
