// What is written of a logistic regression is read back to the last bit, and damaged files are refused.

#include <gtest/gtest.h>

#include <clocale>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "logistic/model_file.hpp"
#include "logistic/regression.hpp"

namespace {

using logistic::Model;
using logistic::ModelError;

Model example() {
    return {{-3, 7},
            {0.1, 1.0 / 3, 12345.678},
            {1e-30, 0, 2.0 / 7},
            {0.25, -0.25},
            {1.0 / 9, 0, -2e-308, 5e5, 0, 1e-9}};
}

void expect_equal(const Model& found, const Model& expected) {
    EXPECT_EQ(found.labels, expected.labels);
    EXPECT_EQ(found.means, expected.means);
    EXPECT_EQ(found.deviations, expected.deviations);
    EXPECT_EQ(found.intercepts, expected.intercepts);
    EXPECT_EQ(found.weights, expected.weights);
}

TEST(RegressionModel, IsReadBackToTheLastBit) {
    expect_equal(logistic::parse_model(logistic::model_text(example()), "text"), example());
    const std::string path = testing::TempDir() + "regression_model";
    logistic::write_model(path, example());
    expect_equal(logistic::read_model(path), example());
    std::filesystem::remove(path);
}

TEST(RegressionModel, IsPlainText) {
    EXPECT_EQ(logistic::model_text({{4}, {0.5, 2}, {1, 0}, {-1.5}, {0.1, 0}}),
              "logistic regression, version 1\nfeatures 2\nclasses 1\nmeans 0.5 2\ndeviations 1 0\n"
              "class 4 -1.5 0.1 0\n");
}

TEST(RegressionModel, TellsWhichFileCannotBeUsed) {
    EXPECT_THROW(logistic::write_model("/nowhere/model", example()), std::runtime_error);
    EXPECT_THROW(logistic::read_model("/nowhere/model"), ModelError);
    try {
        logistic::parse_model("%YAML\n", "forest.rf");
        FAIL();
    } catch (const ModelError& error) {
        EXPECT_STREQ(error.what(),
                     "forest.rf: is not a sound logistic regression: does not begin with 'logistic "
                     "regression, version 1'; train it again");
    }
}

TEST(RegressionModel, IsCheckedWhole) {
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    std::vector<Model> wrong(12, example());
    wrong[0].labels = {7, 7};
    wrong[1].labels.clear();
    wrong[2].means[1] = nothing;
    wrong[3].means[1] = 1e31;
    wrong[4].deviations[0] = -1;
    wrong[5].deviations[0] = 1e-31;
    wrong[6].intercepts[1] = std::numeric_limits<double>::infinity();
    wrong[7].weights[0] = nothing;
    wrong[8].weights[1] = 1e-9;
    wrong[9].weights[0] = 1e7;
    wrong[10].weights.pop_back();
    wrong[11].deviations.pop_back();
    for (std::size_t number = 0; number < wrong.size(); ++number) {
        EXPECT_THROW(logistic::check(wrong[number]), std::invalid_argument) << number;
    }
    EXPECT_NO_THROW(logistic::check(example()));
}

// A mean of this size is rounded by many deviations.
TEST(RegressionModel, IsRefusedWhereItsNumbersDoNotFit32Bits) {
    const Model model{{1, 2}, {1.23456789e20}, {1e-20}, {0, 0}, {1, -1}};
    EXPECT_THROW(logistic::Regression{model}, std::invalid_argument);
}

// Each damaged text is refused, or holds a regression that tells shares.
TEST(RegressionModel, IsNeverHalfRead) {
    const std::string whole = logistic::model_text(example());
    std::vector<std::string> damaged;
    for (std::size_t place = 0; place < whole.size(); ++place) {
        damaged.push_back(whole.substr(0, place));
        for (const char character : {'\0', '\n', ' ', '-', '9', 'e', '\xff'}) {
            damaged.push_back(whole);
            damaged.back()[place] = character;
        }
    }
    std::size_t sound = 0;
    for (const std::string& text : damaged) {
        try {
            const logistic::Regression regression(logistic::parse_model(text, "text"));
            const std::vector<float> pixel(regression.features(), 1e30F);
            const float* pixels = pixel.data();
            std::vector<float> shares(regression.classes());
            regression.find_shares(&pixels, 1, shares.data());
            float sum = 0;
            for (const float share : shares) {
                EXPECT_GE(share, 0);
                sum += share;
            }
            EXPECT_NEAR(sum, 1, 1e-6) << text;
            ++sound;
        } catch (const ModelError&) {
            continue;
        } catch (const std::invalid_argument&) {
            continue;
        }
    }
    // Other digits are a number as well.
    EXPECT_GT(sound, 50U);
    EXPECT_LT(sound, damaged.size() / 4);
}

}  // namespace
