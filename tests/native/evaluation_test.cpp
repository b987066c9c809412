// What formulas give, against <cmath> and values computed by hand.

#include "formulas/evaluation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "formula.hpp"

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

TEST(Evaluation, ComputesFunctionsAsTheStandardLibrary) {
    for (const float number : {0.25F, 1.0F, 2.0F, 3.7F, 10000.0F, 1e-30F}) {
        const double wide = number;
        EXPECT_EQ(formula::value("sqrt(im1b1)", {number}), static_cast<float>(std::sqrt(wide)));
        EXPECT_EQ(formula::value("ln(im1b1)", {number}), static_cast<float>(std::log(wide)));
        EXPECT_EQ(formula::value("exp(-im1b1)", {number}), static_cast<float>(std::exp(-wide)));
        EXPECT_EQ(formula::value("abs(-im1b1)", {number}), number);
        EXPECT_EQ(formula::value("im1b1 ^ 0.3", {number}), static_cast<float>(std::pow(wide, 0.3)));
        EXPECT_EQ(formula::value("0.3 ^ im1b1", {number}), static_cast<float>(std::pow(0.3, wide)));
    }
}

TEST(Evaluation, RoundsToSixtyFourBitsBetweenOperations) {
    // In 32 bits the sum would be 16777216, and the number 1e39 infinity.
    EXPECT_EQ(formula::value("16777216 + 1 - 16777216"), 1.0F);
    EXPECT_EQ(formula::value("1e39 / 1e38"), 10.0F);
    EXPECT_EQ(formula::value("9007199254740992 + 1 - 9007199254740992"), 0.0F);
    EXPECT_EQ(formula::value("1 / 3"), static_cast<float>(1.0 / 3.0));
}

// A product that is added to would be rounded once if it were fused.
TEST(Evaluation, RoundsAProductBeforeItIsAddedTo) {
    const double product = (1.0 + 0x1p-27) * (1.0 - 0x1p-27);
    EXPECT_EQ(product, 1.0);
    EXPECT_EQ(formula::value("(1 + 2 ^ -27) * (1 - 2 ^ -27) - 1"), 0.0F);
    EXPECT_EQ(formula::value("(1 + im1b1) * (1 - im1b1) - 1", {0x1p-27F}), 0.0F);
}

TEST(Evaluation, GivesNaNWhereNothingFiniteComesOut) {
    for (const char* text : {"1 / 0", "-1 / 0", "0 / 0", "ln(0)", "ln(-1)", "sqrt(-1)", "1e39", "exp(1000)",
                             "(-8) ^ 0.5", "-1e39"}) {
        EXPECT_TRUE(std::isnan(formula::value(text))) << text;
    }
    EXPECT_TRUE(std::isnan(formula::value("im1b1", {infinity})));
    EXPECT_EQ(formula::value("1 / im1b1", {infinity}), 0.0F);
    EXPECT_EQ(formula::value("3e38"), 3e38F);
}

TEST(Evaluation, PassesNaNOn) {
    for (const char* text : {"im1b1", "-im1b1", "im1b1 + 1", "im1b1 * 0", "im1b1 ^ 1", "sqrt(im1b1)",
                             "exp(im1b1)", "ln(im1b1)", "abs(im1b1)", "im1b1 - im1b1", "0 ? 1 : im1b1"}) {
        EXPECT_TRUE(std::isnan(formula::value(text, {not_a_number}))) << text;
    }
}

// No data must not become a class of "below the threshold", nor the other number of two.
TEST(Evaluation, KnowsNothingOfNaN) {
    for (const char* operation : {"<", "<=", ">", ">=", "==", "!=", "&&", "||", "^", "+", "-", "*", "/"}) {
        for (const char* number : {"0", "1", "-1", "2"}) {
            for (const std::string& text : {std::string("im1b1 ") + operation + " " + number,
                                            std::string(number) + " " + operation + " im1b1",
                                            std::string("im1b1 ") + operation + " im1b1"}) {
                EXPECT_TRUE(std::isnan(formula::value(text, {not_a_number}))) << text;
            }
        }
    }
    for (const char* text :
         {"min(im1b1, 1)", "min(1, im1b1)", "max(im1b1, 1)", "max(1, im1b1)", "max(1, im1b1, 2)",
          "im1b1 ? 2 : 3", "im1b1 > 0.3 ? 2 : 3", "(0 / 0) > 1", "min(1, ln(-1))", "max(1, 0 / 0)"}) {
        EXPECT_TRUE(std::isnan(formula::value(text, {not_a_number}))) << text;
    }
}

TEST(Evaluation, KeepsNaNOfOnePixelFromItsNeighbours) {
    const formulas::Program program = formulas::parse("max(min(im1b1, 5), 2) > 3 ? im1b1 : 0", {1});
    std::vector<float> pixels(700);
    for (std::size_t pixel = 0; pixel < pixels.size(); ++pixel) {
        pixels[pixel] = pixel % 3 == 1 ? not_a_number : static_cast<float>(pixel % 7);
    }
    std::vector<float> results(pixels.size());
    formulas::Evaluation(program).evaluate({{pixels.data(), 1}}, pixels.size(), results.data());
    for (std::size_t pixel = 0; pixel < pixels.size(); ++pixel) {
        if (pixel % 3 == 1) {
            EXPECT_TRUE(std::isnan(results[pixel])) << pixel;
        } else {
            EXPECT_EQ(results[pixel], pixel % 7 > 3 ? static_cast<float>(pixel % 7) : 0.0F) << pixel;
        }
    }
}

TEST(Evaluation, TellsWhatIsFinite) {
    EXPECT_EQ(formula::value("isfinite(im1b1)", {2}), 1.0F);
    EXPECT_EQ(formula::value("isfinite(im1b1)", {not_a_number}), 0.0F);
    EXPECT_EQ(formula::value("isfinite(im1b1)", {infinity}), 0.0F);
    EXPECT_EQ(formula::value("isfinite(-im1b1)", {infinity}), 0.0F);
    EXPECT_EQ(formula::value("isfinite(1e300)"), 1.0F);
    EXPECT_EQ(formula::value("isfinite(im1b1) ? im1b1 : -9", {not_a_number}), -9.0F);
}

TEST(Evaluation, ChoosesPixelByPixel) {
    EXPECT_EQ(formula::value("im1b1 > 2 ? im1b2 : im1b3", {3, 10, 20}), 10.0F);
    EXPECT_EQ(formula::value("im1b1 > 2 ? im1b2 : im1b3", {2, 10, 20}), 20.0F);
    // What is not chosen may be NaN.
    EXPECT_EQ(formula::value("im1b1 > 2 ? im1b2 : im1b3", {3, 10, not_a_number}), 10.0F);
}

TEST(Evaluation, SubtractsAndDividesInTheOrderWritten) {
    EXPECT_EQ(formula::value("im1b1 - im1b2", {3, 10}), -7.0F);
    EXPECT_EQ(formula::value("im1b1 / im1b2", {3, 12}), 0.25F);
    EXPECT_EQ(formula::value("im1b1 ^ im1b2", {3, 4}), 81.0F);
}

// More pixels than are computed at a time, from images whose pixels lie differently in memory.
TEST(Evaluation, GoesOverManyPixelsOfSeveralImages) {
    constexpr std::size_t pixels = 1000;
    std::mt19937 random(3);
    std::uniform_real_distribution<float> numbers(-5, 5);
    std::vector<float> single(pixels);
    std::vector<float> triple(3 * pixels);
    for (float& number : single) {
        number = numbers(random);
    }
    for (float& number : triple) {
        number = numbers(random);
    }
    const formulas::Program program = formulas::parse(
        "(im1b1 * im2b3 - im2b1) / (abs(im2b2) + 1) > 0 ? sqrt(abs(im1b1)) + im2b2 : max(im1b1, im2b1, -1) ^ "
        "2",
        {1, 3});
    std::vector<formulas::Evaluation::Row> rows;
    for (const formulas::Program::Band& band : program.bands) {
        if (band.image == 0) {
            rows.push_back({single.data(), 1});
        } else {
            rows.push_back({triple.data() + band.band, 3});
        }
    }
    std::vector<float> results(pixels);
    formulas::Evaluation(program).evaluate(rows, pixels, results.data());
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        const double one = single[pixel];
        const double first = triple[3 * pixel];
        const double second = triple[3 * pixel + 1];
        const double third = triple[3 * pixel + 2];
        const double greatest = std::fmax(std::fmax(one, first), -1.0);
        const double expected = (one * third - first) / (std::fabs(second) + 1) > 0
                                    ? std::sqrt(std::fabs(one)) + second
                                    : std::pow(greatest, 2);
        EXPECT_FLOAT_EQ(results[pixel], static_cast<float>(expected)) << pixel;
    }
}

TEST(Evaluation, MayBeRepeated) {
    const formulas::Program program = formulas::parse("im1b1 * 2 + 1", {1});
    formulas::Evaluation evaluation(program);
    const std::vector<float> first{1, 2, 3};
    const std::vector<float> second{5};
    std::vector<float> results(3);
    evaluation.evaluate({{first.data(), 1}}, 3, results.data());
    EXPECT_EQ(results, (std::vector<float>{3, 5, 7}));
    evaluation.evaluate({{second.data(), 1}}, 1, results.data());
    EXPECT_EQ(results, (std::vector<float>{11, 5, 7}));
}

}  // namespace
