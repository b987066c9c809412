// Rows of an image made from rows of a file, with values computed by hand.

#include "reading/resampling.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace {

using reading::Axis;
using reading::Method;
using reading::Radiometry;
using reading::Resampling;
using reading::Strip;
using reading::Strips;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
const Radiometry as_it_is{1, 0, std::nullopt};

template <class Pixel>
Strips strips(int columns, int rows_of_strip, const std::vector<Pixel>& pixels) {
    Strips made;
    const std::size_t size = static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows_of_strip);
    for (std::size_t first = 0; first < pixels.size(); first += size) {
        const auto begin = pixels.begin() + static_cast<std::ptrdiff_t>(first);
        const auto end = pixels.begin() + static_cast<std::ptrdiff_t>(std::min(first + size, pixels.size()));
        const std::vector<Pixel> rows(begin, end);
        made.push_back(std::make_shared<Strip>(
            Strip{static_cast<int>(first) / columns, static_cast<int>(rows.size()) / columns, rows}));
    }
    return made;
}

std::vector<float> made(const Resampling& resampling, const Strips& file, int row, std::size_t columns) {
    std::vector<float> values(columns, -99);
    resampling.make(row, file, values.data());
    return values;
}

void expect_values(const std::vector<float>& found, const std::vector<float>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t column = 0; column < found.size(); ++column) {
        if (std::isnan(expected[column])) {
            EXPECT_TRUE(std::isnan(found[column])) << column << ": " << found[column];
        } else {
            EXPECT_FLOAT_EQ(found[column], expected[column]) << column;
        }
    }
}

const std::vector<std::uint16_t> four_by_four{1,  2,  3,  4,   //
                                              5,  6,  7,  8,   //
                                              9,  10, 11, 12,  //
                                              13, 14, 15, 16};

TEST(Resampling, AveragesSquares) {
    const Axis axis{0, 2, 4, 0};
    const Resampling resampling(axis, axis, Method::average, as_it_is, {0, 2});
    // (1 + 2 + 5 + 6) / 4, (3 + 4 + 7 + 8) / 4, and below (9 + 10 + 13 + 14) / 4, (11 + 12 + 15 + 16) / 4.
    const Strips file = strips(4, 4, four_by_four);
    expect_values(made(resampling, file, 0, 2), {3.5F, 5.5F});
    expect_values(made(resampling, file, 1, 2), {11.5F, 13.5F});
}

TEST(Resampling, AveragesAcrossStrips) {
    const Axis axis{1, 2, 4, 0};
    const Resampling resampling(axis, axis, Method::average, as_it_is, {0, 1});
    // (6 + 7 + 10 + 11) / 4, where a strip ends between rows 1 and 2.
    expect_values(made(resampling, strips(4, 2, four_by_four), 0, 1), {8.5F});
}

TEST(Resampling, AveragesThePixelsThatHaveData) {
    const Axis axis{0, 2, 4, 0};
    const Radiometry radiometry{1, 0, 5.0};
    const Resampling resampling(axis, axis, Method::average, radiometry, {0, 2});
    // Without the 5: (1 + 2 + 6) / 3.
    expect_values(made(resampling, strips(4, 4, four_by_four), 0, 2), {3, 5.5F});
}

TEST(Resampling, HasNoDataWhereNoPixelHas) {
    const Axis axis{0, 2, 2, 0};
    const Resampling resampling(axis, axis, Method::average, {1, 0, 0.0}, {0, 1});
    expect_values(made(resampling, strips<std::uint16_t>(2, 2, {0, 0, 0, 0}), 0, 1), {not_a_number});
}

TEST(Resampling, TakesNaNAndInfinityForNoData) {
    const float infinity = std::numeric_limits<float>::infinity();
    const Strips file = strips<float>(2, 2, {not_a_number, 3, infinity, 5});
    const Resampling average({0, 2, 2, 0}, {0, 2, 2, 0}, Method::average, as_it_is, {0, 1});
    expect_values(made(average, file, 0, 1), {4});
    const Resampling nearest({0, 1, 2, 0}, {0, 1, 2, 0}, Method::nearest, as_it_is, {0, 2});
    expect_values(made(nearest, file, 0, 2), {not_a_number, 3});
    expect_values(made(nearest, file, 1, 2), {not_a_number, 5});
}

TEST(Resampling, ScalesAndShiftsNumbers) {
    const Axis axis{0, 1, 4, 0};
    const Resampling resampling(axis, axis, Method::nearest, {0.5, -1, 4.0}, {0, 4});
    expect_values(made(resampling, strips(4, 4, four_by_four), 0, 4), {-0.5F, 0, 0.5F, not_a_number});
}

TEST(Resampling, MeetsNoNumberThatAPixelCannotHold) {
    const Axis axis{0, 1, 4, 0};
    for (const double no_data : {-1.0, 70000.0, 1.5}) {
        const Resampling resampling(axis, axis, Method::nearest, {1, 0, no_data}, {0, 4});
        expect_values(made(resampling, strips(4, 4, four_by_four), 0, 4), {1, 2, 3, 4});
    }
}

// v = column + 4 * row + 1 is linear, and so is what lies between.
TEST(Resampling, InterpolatesALinearImageExactly) {
    const Axis axis{0, 0.5, 4, 0};
    const Resampling resampling(axis, axis, Method::bilinear, as_it_is, {1, 7});
    const Strips file = strips(4, 4, four_by_four);
    for (int row = 1; row < 7; ++row) {
        std::vector<float> expected;
        for (int column = 1; column < 7; ++column) {
            const double x = (column + 0.5) * 0.5 - 0.5;
            const double y = (row + 0.5) * 0.5 - 0.5;
            expected.push_back(static_cast<float>(x + 4 * y + 1));
        }
        expect_values(made(resampling, file, row, 6), expected);
    }
}

TEST(Resampling, InterpolatesAroundNoDataAndLeavesItsPixelsEmpty) {
    const Axis axis{0, 0.5, 2, 0};
    // Of rows 0 1 / 2 -1, where -1 has no data.
    const Strips file = strips<float>(2, 2, {0, 1, 2, -1});
    const Resampling resampling(axis, axis, Method::bilinear, {1, 0, -1.0}, {0, 4});
    // Row 2 mixes row 0 by 1/4 and row 1 by 3/4. Its columns 2 and 3 lie on the pixel without data. Column 1
    // mixes the left column by 3/4 with the upper right pixel alone: (0.75 * (0.25 * 0 + 0.75 * 2) + 0.25 *
    // 0.25 * 1) / (0.75 + 0.25 * 0.25).
    expect_values(made(resampling, file, 2, 4), {1.5F, 1.1875F / 0.8125F, not_a_number, not_a_number});
}

TEST(Resampling, HasNoDataBesideTheFile) {
    const Axis inside{0, 1, 4, 0};
    const Axis beside{10, 1, 4, 0};
    const Strips file = strips(4, 4, four_by_four);
    const Resampling below(inside, beside, Method::nearest, as_it_is, {0, 2});
    expect_values(made(below, file, 0, 2), {not_a_number, not_a_number});
    const Resampling right(beside, inside, Method::nearest, as_it_is, {0, 2});
    expect_values(made(right, file, 0, 2), {not_a_number, not_a_number});
    const Resampling partly({2, 1, 4, 0}, inside, Method::nearest, as_it_is, {0, 4});
    expect_values(made(partly, file, 0, 4), {3, 4, not_a_number, not_a_number});
}

// Any ratio, against the sum over all of the file's pixels of the area that a pixel shares with each.
TEST(Resampling, AveragesByArea) {
    const int size = 12;
    std::mt19937 random(8);
    std::vector<float> pixels;
    for (int pixel = 0; pixel < size * size; ++pixel) {
        pixels.push_back(random() % 6 == 0 ? not_a_number : static_cast<float>(random() % 1000));
    }
    const Axis columns{0.3, 1.7, size, 0};
    const Axis rows{-0.4, 2.6, size, 0};
    const Resampling resampling(columns, rows, Method::average, as_it_is, {0, 6});
    const auto shared = [](const Axis& axis, int pixel, int of_file) {
        const double start = axis.first + pixel * axis.ratio;
        return std::max(0.0, std::min(start + axis.ratio, of_file + 1.0) - std::max(start, of_file * 1.0));
    };
    const Strips file = strips(size, 5, pixels);
    for (int row = 0; row < 4; ++row) {
        const std::vector<float> found = made(resampling, file, row, 6);
        for (int column = 0; column < 6; ++column) {
            double sum = 0;
            double total = 0;
            for (int pixel = 0; pixel < size * size; ++pixel) {
                const double area = shared(columns, column, pixel % size) * shared(rows, row, pixel / size);
                if (!std::isnan(pixels[static_cast<std::size_t>(pixel)])) {
                    sum += area * pixels[static_cast<std::size_t>(pixel)];
                    total += area;
                }
            }
            EXPECT_NEAR(found[static_cast<std::size_t>(column)], sum / total, 1e-3) << row << ", " << column;
        }
    }
}

}  // namespace
