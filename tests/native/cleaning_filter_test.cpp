// The majority of labels and the median of confidences, against counting and sorting by hand.

#include "cleaning/cleaning_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "images.hpp"

namespace {

using cleaning::CleaningFilter;
using Labels = std::vector<int>;

Labels cleaned(int columns, int rows, const Labels& labels, unsigned int radius) {
    const auto filter = CleaningFilter::New();
    const auto image = images_of::values<int>(columns, rows, labels);
    filter->SetInput(image);
    filter->SetMajorityRadius(radius);
    filter->SetMedianRadius(0);
    filter->Update();
    return images_of::read(*filter->GetOutput());
}

// The most frequent label of the pixels whose centres lie within half a pixel more than the radius. Label 0
// is no data. A tie keeps the label.
Labels counted(int columns, int rows, const Labels& labels, int radius) {
    Labels result;
    const double reach = (radius + 0.5) * (radius + 0.5);
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
            const int own = labels[row * columns + column];
            std::map<int, int> counts;
            for (int down = -radius; down <= radius; ++down) {
                for (int right = -radius; right <= radius; ++right) {
                    const int y = row + down;
                    const int x = column + right;
                    if (down * down + right * right <= reach && y >= 0 && y < rows && x >= 0 && x < columns &&
                        labels[y * columns + x] != 0) {
                        ++counts[labels[y * columns + x]];
                    }
                }
            }
            int most = 0;
            for (const auto& [label, count] : counts) {
                most = std::max(most, count);
            }
            Labels winners;
            for (const auto& [label, count] : counts) {
                if (count == most) {
                    winners.push_back(label);
                }
            }
            result.push_back(own == 0 || winners.size() > 1 ? own : winners.front());
        }
    }
    return result;
}

TEST(CleaningFilter, RemovesAnIsolatedLabel) {
    const Labels labels{1, 1, 1, 1, 1,  //
                        1, 1, 1, 1, 1,  //
                        1, 1, 2, 1, 1,  //
                        1, 1, 1, 1, 1,  //
                        1, 1, 1, 1, 1};
    EXPECT_EQ(cleaned(5, 5, labels, 1), Labels(25, 1));
    EXPECT_EQ(cleaned(5, 5, labels, 0), labels);
}

TEST(CleaningFilter, LeavesNoDataAsItIs) {
    const Labels labels{0, 2, 1,  //
                        1, 0, 1,  //
                        1, 1, 1};
    // The 2 gives way. Where there is no data, a label neither comes nor counts.
    const Labels expected{0, 1, 1,  //
                          1, 0, 1,  //
                          1, 1, 1};
    EXPECT_EQ(cleaned(3, 3, labels, 1), expected);
}

TEST(CleaningFilter, KeepsTheLabelOfATie) {
    const Labels labels{1, 1, 2, 2,  //
                        1, 1, 2, 2,  //
                        1, 1, 2, 2};
    EXPECT_EQ(cleaned(4, 3, labels, 1), labels);
    // One of each of two.
    EXPECT_EQ(cleaned(2, 1, {3, 4}, 1), (Labels{3, 4}));
}

TEST(CleaningFilter, GivesTheMajorityInABall) {
    std::mt19937 random(5);
    Labels labels;
    for (int pixel = 0; pixel < 23 * 17; ++pixel) {
        labels.push_back(static_cast<int>(random() % 4));
    }
    for (const int radius : {1, 2, 3}) {
        EXPECT_EQ(cleaned(23, 17, labels, static_cast<unsigned int>(radius)), counted(23, 17, labels, radius))
            << radius;
    }
}

// The edge of the image is replicated, no data does not count, and it has no median.
TEST(CleaningFilter, SmoothsConfidencesByTheMedian) {
    const int columns = 13;
    const int rows = 9;
    const int radius = 2;
    std::mt19937 random(6);
    Labels labels;
    std::vector<double> confidences;
    for (int pixel = 0; pixel < columns * rows; ++pixel) {
        labels.push_back(random() % 5 == 0 ? 0 : 1);
        confidences.push_back(static_cast<double>(random() % 101));
    }
    const auto label_image = images_of::values<int>(columns, rows, labels);
    const auto confidence_image = images_of::values<double>(columns, rows, confidences);
    const auto filter = CleaningFilter::New();
    filter->SetInput(label_image);
    filter->SetConfidence(confidence_image);
    filter->SetMedianRadius(radius);
    filter->SetCertainConfidence(100);
    filter->Update();
    const std::vector<float> shares = images_of::read(*filter->GetConfidenceOutput());
    const std::vector<float> medians = images_of::read(*filter->GetMedianOutput());
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
            const int pixel = row * columns + column;
            EXPECT_EQ(shares[pixel], static_cast<float>(confidences[pixel] / 100));
            std::vector<float> window;
            for (int down = -radius; down <= radius; ++down) {
                for (int right = -radius; right <= radius; ++right) {
                    const int near = std::clamp(row + down, 0, rows - 1) * columns +
                                     std::clamp(column + right, 0, columns - 1);
                    if (labels[near] != 0) {
                        window.push_back(static_cast<float>(confidences[near] / 100));
                    }
                }
            }
            std::sort(window.begin(), window.end());
            const float expected = labels[pixel] == 0 ? 0.0F : window[window.size() / 2];
            EXPECT_EQ(medians[pixel], expected) << row << ", " << column;
        }
    }
}

TEST(CleaningFilter, HandsTheMarginAndTheSecondClassOn) {
    const auto labels = images_of::values<int>(2, 2, {1, 2, 1, 2});
    const auto confidences = images_of::values<double>(2, 2, {1, 0.5, 0.25, 0});
    const auto margins = images_of::values<float>(2, 2, {0.5F, 0.25F, 0.125F, 0});
    const auto seconds = images_of::values<int>(2, 2, {4, 3, 2, 1});
    const auto filter = CleaningFilter::New();
    filter->SetInput(labels);
    filter->SetConfidence(confidences);
    filter->SetMargin(margins);
    filter->SetSecond(seconds);
    filter->Update();
    EXPECT_EQ(images_of::read(*filter->GetMarginOutput()), (std::vector<float>{0.5F, 0.25F, 0.125F, 0}));
    EXPECT_EQ(images_of::read(*filter->GetSecondOutput()), (Labels{4, 3, 2, 1}));
}

}  // namespace
