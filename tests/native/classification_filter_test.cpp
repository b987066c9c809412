// Whole images classified by a forest whose answers are known, with and without smoothing.

#include "classification/classification_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "classification/class_share_filter.hpp"
#include "hand_made_forest.hpp"
#include "images.hpp"

namespace {

using classification::ClassificationFilter;
using FeatureImage = ClassificationFilter::FeatureImage;

constexpr int columns = 19;
constexpr int rows = 12;
constexpr std::size_t pixel_count = std::size_t{columns} * rows;

struct Scene {
    std::vector<float> features;
    std::vector<unsigned char> mask;
};

Scene random_scene() {
    std::mt19937 random(4);
    Scene scene;
    for (int pixel = 0; pixel < columns * rows; ++pixel) {
        scene.features.push_back(static_cast<float>(random() % 4) / 4);
        scene.features.push_back(static_cast<float>(random() % 4));
        scene.mask.push_back(random() % 5 == 0 ? 0 : 1);
    }
    return scene;
}

FeatureImage::Pointer feature_image(const std::vector<float>& features, unsigned int bands) {
    const auto image = FeatureImage::New();
    FeatureImage::RegionType region;
    region.SetSize({{columns, rows}});
    image->SetRegions(region);
    image->SetNumberOfComponentsPerPixel(bands);
    image->Allocate();
    std::copy(features.begin(), features.end(), image->GetBufferPointer());
    return image;
}

ClassificationFilter::Pointer classified(const Scene& scene, double smoothing, bool masked) {
    const auto filter = ClassificationFilter::New();
    filter->SetClassifier(classification::random_forest(fast_forest::Forest(forests::three_trees())));
    filter->SetInput(feature_image(scene.features, 2));
    if (masked) {
        filter->SetMask(images_of::values<unsigned char>(columns, rows, scene.mask));
    }
    filter->SetSmoothing(smoothing);
    filter->Update();
    return filter;
}

// What a pixel should have.
struct Expected {
    std::size_t first;
    std::size_t second;
    double share;
    double margin;
};

// From mean votes of three trees; of equal ones the first.
Expected expected(const std::vector<double>& votes) {
    std::vector<std::size_t> order{0, 1, 2};
    std::sort(order.begin(), order.end(), [&](std::size_t one, std::size_t other) {
        return votes[one] > votes[other] || (votes[one] == votes[other] && one < other);
    });
    return {order[0], order[1], votes[order[0]] / 3, (votes[order[0]] - votes[order[1]]) / 3};
}

std::vector<double> votes_of(const Scene& scene, int pixel) {
    const auto first = 2 * static_cast<std::size_t>(pixel);
    const auto votes = forests::votes_of_three_trees(scene.features[first], scene.features[first + 1]);
    return {votes.begin(), votes.end()};
}

const std::vector<int> labels{10, 20, 30};

TEST(ClassificationFilter, GivesTheVotesOfEachPixel) {
    const Scene scene = random_scene();
    for (const bool masked : {false, true}) {
        const auto filter = classified(scene, 0, masked);
        const auto found = images_of::read(*filter->GetOutput());
        const auto confidences = images_of::read(*filter->GetConfidenceOutput());
        const auto margins = images_of::read(*filter->GetMarginOutput());
        const auto seconds = images_of::read(*filter->GetSecondOutput());
        for (int pixel = 0; pixel < columns * rows; ++pixel) {
            if (masked && scene.mask[pixel] == 0) {
                EXPECT_EQ(found[pixel], 0);
                EXPECT_EQ(confidences[pixel], 0);
                EXPECT_EQ(margins[pixel], 0);
                EXPECT_EQ(seconds[pixel], 0);
                continue;
            }
            const Expected wanted = expected(votes_of(scene, pixel));
            EXPECT_EQ(found[pixel], labels[wanted.first]) << pixel;
            EXPECT_EQ(seconds[pixel], labels[wanted.second]) << pixel;
            EXPECT_FLOAT_EQ(static_cast<float>(confidences[pixel]), static_cast<float>(wanted.share));
            EXPECT_FLOAT_EQ(margins[pixel], static_cast<float>(wanted.margin));
        }
    }
}

std::vector<double> mean_votes(const Scene& scene, int row, int column, double deviation) {
    const int radius = static_cast<int>(std::max(1L, std::lround(2 * deviation)));
    std::vector<double> sums(3);
    double total = 0;
    for (int y = std::max(0, row - radius); y <= std::min(rows - 1, row + radius); ++y) {
        for (int x = std::max(0, column - radius); x <= std::min(columns - 1, column + radius); ++x) {
            if (scene.mask[y * columns + x] == 0) {
                continue;
            }
            const double square = (y - row) * (y - row) + (x - column) * (x - column);
            const double weight = std::exp(-square / (2 * deviation * deviation));
            const std::vector<double> votes = votes_of(scene, y * columns + x);
            for (std::size_t kind = 0; kind < 3; ++kind) {
                sums[kind] += weight * votes[kind];
            }
            total += weight;
        }
    }
    for (double& sum : sums) {
        sum /= total;
    }
    return sums;
}

TEST(ClassificationFilter, GivesTheMeanVotesOfThePixelsAround) {
    const Scene scene = random_scene();
    const double deviation = 1.5;
    // Shares come in steps of 1/200.
    const double rounding = 0.5 / 200 + 1e-5;
    const auto filter = classified(scene, deviation, true);
    const auto found = images_of::read(*filter->GetOutput());
    const auto confidences = images_of::read(*filter->GetConfidenceOutput());
    const auto margins = images_of::read(*filter->GetMarginOutput());
    int compared = 0;
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
            const int pixel = row * columns + column;
            if (scene.mask[pixel] == 0) {
                EXPECT_EQ(found[pixel], 0);
                continue;
            }
            const Expected wanted = expected(mean_votes(scene, row, column, deviation));
            EXPECT_NEAR(confidences[pixel], wanted.share, rounding) << row << ", " << column;
            EXPECT_NEAR(margins[pixel], wanted.margin, rounding) << row << ", " << column;
            EXPECT_NEAR(confidences[pixel] * 200, std::round(confidences[pixel] * 200), 1e-4);
            if (wanted.margin > 1e-5) {
                EXPECT_EQ(found[pixel], labels[wanted.first]) << row << ", " << column;
                ++compared;
            }
        }
    }
    EXPECT_GT(compared, 100);
}

ClassificationFilter::Pointer of_shares(const std::vector<float>& shares, const std::vector<int>& codes) {
    const auto filter = ClassificationFilter::New();
    filter->SetClassifier(classification::given_shares(codes));
    filter->SetInput(feature_image(shares, static_cast<unsigned int>(codes.size())));
    return filter;
}

// Shares by hand in the first pixels, in an order of the classes that is not that of their codes.
TEST(ClassificationFilter, ChoosesByGivenShares) {
    std::vector<float> shares(3 * pixel_count, 0.0F);
    const std::vector<float> first{0.203F, 0.497F, 0.3F, 0.4F, 0.2F, 0.4F, 0.0F, 0.001F, 0.999F};
    std::copy(first.begin(), first.end(), shares.begin());
    const auto filter = of_shares(shares, {30, 10, 20});
    filter->Update();
    const auto found = images_of::read(*filter->GetOutput());
    const auto confidences = images_of::read(*filter->GetConfidenceOutput());
    const auto margins = images_of::read(*filter->GetMarginOutput());
    const auto seconds = images_of::read(*filter->GetSecondOutput());
    EXPECT_EQ(std::vector<int>(found.begin(), found.begin() + 3), (std::vector<int>{10, 30, 20}));
    EXPECT_EQ(std::vector<int>(seconds.begin(), seconds.begin() + 3), (std::vector<int>{20, 20, 10}));
    // In steps of 0.005.
    const std::vector<float> expected_confidences{0.495F, 0.4F, 1.0F};
    const std::vector<float> expected_margins{0.195F, 0.0F, 1.0F};
    for (std::size_t pixel = 0; pixel < 3; ++pixel) {
        EXPECT_FLOAT_EQ(static_cast<float>(confidences[pixel]), expected_confidences[pixel]) << pixel;
        EXPECT_FLOAT_EQ(margins[pixel], expected_margins[pixel]) << pixel;
    }
}

TEST(ClassificationFilter, RefusesSharesOfOtherClasses) {
    EXPECT_THROW(of_shares(std::vector<float>(3 * pixel_count), {1, 2, 1}), std::invalid_argument);
    EXPECT_THROW(classification::given_shares({}), std::invalid_argument);
    const auto filter = ClassificationFilter::New();
    filter->SetClassifier(classification::given_shares({1, 2}));
    filter->SetInput(feature_image(std::vector<float>(3 * pixel_count), 3));
    EXPECT_THROW(filter->Update(), itk::ExceptionObject);
}

TEST(ClassShareFilter, GivesTheSharesOfTheVotes) {
    const Scene scene = random_scene();
    const auto filter = classification::ClassShareFilter::New();
    filter->SetClassifier(classification::random_forest(fast_forest::Forest(forests::three_trees())));
    filter->SetInput(feature_image(scene.features, 2));
    filter->SetMask(images_of::values<unsigned char>(columns, rows, scene.mask));
    filter->Update();
    ASSERT_EQ(filter->GetOutput()->GetNumberOfComponentsPerPixel(), 3U);
    const float* shares = filter->GetOutput()->GetBufferPointer();
    for (int pixel = 0; pixel < columns * rows; ++pixel) {
        const std::vector<double> votes = votes_of(scene, pixel);
        for (std::size_t kind = 0; kind < 3; ++kind) {
            const double wanted = scene.mask[pixel] == 0 ? 0 : votes[kind] / 3;
            EXPECT_FLOAT_EQ(shares[3 * static_cast<std::size_t>(pixel) + kind], static_cast<float>(wanted));
        }
    }
}

TEST(ClassificationFilter, RefusesAnImageOfTooFewFeatures) {
    const auto filter = ClassificationFilter::New();
    filter->SetClassifier(classification::random_forest(fast_forest::Forest(forests::three_trees())));
    filter->SetInput(feature_image(std::vector<float>(pixel_count), 1));
    EXPECT_THROW(filter->Update(), itk::ExceptionObject);
}

}  // namespace
