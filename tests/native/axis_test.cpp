// Which pixels of a file a pixel of an image is made of, and what each counts for. Computed by hand.

#include "reading/axis.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using reading::Axis;
using reading::Method;
using reading::Range;
using reading::Taps;

// The neighbours of one pixel of the image.
struct Neighbours {
    int first;
    std::vector<double> weights;
};

Neighbours neighbours(const Axis& axis, Method method, int pixel) {
    const Taps made = reading::taps(axis, method, {pixel, pixel + 1});
    const auto begin = made.weights.begin() + made.pixels.front().weight;
    return {made.pixels.front().first, {begin, begin + made.pixels.front().count}};
}

void expect_neighbours(const Neighbours& found, int first, const std::vector<double>& weights) {
    ASSERT_EQ(found.weights.size(), weights.size());
    for (std::size_t number = 0; number < weights.size(); ++number) {
        EXPECT_NEAR(found.weights[number], weights[number], 1e-9) << number;
    }
    if (!weights.empty()) {
        EXPECT_EQ(found.first, first);
    }
}

TEST(SmoothMethod, FollowsTheRatio) {
    EXPECT_EQ(reading::smooth_method({0, 2, 10, 0}), Method::average);
    EXPECT_EQ(reading::smooth_method({0, 0.5, 10, 0}), Method::bilinear);
    EXPECT_EQ(reading::smooth_method({0, 1, 10, 0}), Method::nearest);
    // The same but for rounding.
    EXPECT_EQ(reading::smooth_method({0, 1 + 1e-9, 10, 0}), Method::nearest);
}

TEST(Taps, AverageWholePixels) {
    const Axis axis{0, 3, 9, 0};
    expect_neighbours(neighbours(axis, Method::average, 0), 0, {1, 1, 1});
    expect_neighbours(neighbours(axis, Method::average, 2), 6, {1, 1, 1});
}

TEST(Taps, AverageByTheShareThatIsCovered) {
    // From 0.5 to 2, from 2 to 3.5.
    const Axis axis{0.5, 1.5, 10, 0};
    expect_neighbours(neighbours(axis, Method::average, 0), 0, {0.5, 1});
    expect_neighbours(neighbours(axis, Method::average, 1), 2, {1, 0.5});
}

TEST(Taps, AverageWhatTheFileCovers) {
    // The last pixel reaches from 8 to 12 and the file to 10.
    const Axis axis{0, 4, 10, 0};
    expect_neighbours(neighbours(axis, Method::average, 2), 8, {1, 1});
    expect_neighbours(neighbours(axis, Method::average, 3), 0, {});
    expect_neighbours(neighbours(axis, Method::average, -1), 0, {});
    expect_neighbours(neighbours({-1, 4, 10, 0}, Method::average, 0), 0, {1, 1, 1});
}

TEST(Taps, StretchTheLastPixelByItsReach) {
    // The file's last pixel, of 4, reaches to 4.5.
    expect_neighbours(neighbours({0, 3, 4, 0.5}, Method::average, 1), 3, {1.5});
    expect_neighbours(neighbours({4.1, 0.2, 4, 0.5}, Method::nearest, 0), 3, {1});
    expect_neighbours(neighbours({4.5, 0.2, 4, 0.5}, Method::nearest, 0), 0, {});
}

TEST(Taps, TakeThePixelUnderTheCentre) {
    // Centres at 1, 3, 5.
    const Axis axis{0, 2, 5, 0};
    expect_neighbours(neighbours(axis, Method::nearest, 0), 1, {1});
    expect_neighbours(neighbours(axis, Method::nearest, 1), 3, {1});
    expect_neighbours(neighbours(axis, Method::nearest, 2), 0, {});
    // Centres at 0.25 and 0.75.
    expect_neighbours(neighbours({0, 0.5, 5, 0}, Method::nearest, 1), 0, {1});
    expect_neighbours(neighbours({-2, 1, 5, 0}, Method::nearest, 0), 0, {});
}

TEST(Taps, InterpolateBetweenTheCentresAround) {
    // Centres at 0.25, 0.75, 1.25, 1.75; those of the file's pixels at 0.5, 1.5.
    const Axis axis{0, 0.5, 4, 0};
    expect_neighbours(neighbours(axis, Method::bilinear, 1), 0, {0.75, 0.25});
    expect_neighbours(neighbours(axis, Method::bilinear, 2), 0, {0.25, 0.75});
    expect_neighbours(neighbours(axis, Method::bilinear, 3), 1, {0.75, 0.25});
}

TEST(Taps, InterpolateNothingBeyondTheOuterCentres) {
    const Axis axis{0, 0.5, 4, 0};
    expect_neighbours(neighbours(axis, Method::bilinear, 0), 0, {1});
    expect_neighbours(neighbours(axis, Method::bilinear, 7), 3, {1});
    expect_neighbours(neighbours(axis, Method::bilinear, 8), 0, {});
}

TEST(Taps, FollowTheGridWhereverItBegins) {
    // Pixel 2 reaches from -1 + 2 * 1.5 = 2 to 3.5.
    expect_neighbours(neighbours({-1, 1.5, 10, 0}, Method::average, 2), 2, {1, 0.5});
}

TEST(Taps, ListSeveralPixelsAfterEachOther) {
    const Taps made = reading::taps({0, 2, 4, 0}, Method::average, {0, 3});
    ASSERT_EQ(made.pixels.size(), 3U);
    EXPECT_EQ(made.pixels[0].weight, 0);
    EXPECT_EQ(made.pixels[1].weight, 2);
    EXPECT_EQ(made.pixels[1].first, 2);
    EXPECT_EQ(made.pixels[2].count, 0);
    EXPECT_EQ(made.weights, (std::vector<double>{1, 1, 1, 1}));
}

TEST(FileRange, HoldsAllNeighbours) {
    const Axis axis{3, 2, 10, 0};
    const Range range = reading::file_range(reading::taps(axis, Method::average, {0, 2}));
    EXPECT_EQ(range.begin, 3);
    EXPECT_EQ(range.end, 7);
}

TEST(FileRange, IsEmptyBesideTheFile) {
    const Range range = reading::file_range(reading::taps({20, 2, 10, 0}, Method::average, {0, 2}));
    EXPECT_LE(range.end, range.begin);
}

}  // namespace
