// The shares of a logistic regression, against the formula in double precision, on every kind of processor.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "logistic/regression.hpp"
#include "logistic/scores.hpp"
#include "processor/instructions.hpp"

namespace {

using logistic::block_pixels;
using logistic::Model;
using processor::Instructions;

Model random_model(std::size_t features, std::size_t classes) {
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    Model model;
    for (std::size_t feature = 0; feature < features; ++feature) {
        const double scale = std::exp(4 * normal(random));
        model.means.push_back(100 * scale * normal(random));
        model.deviations.push_back(feature % 5 == 4 ? 0 : scale);
    }
    for (std::size_t kind = 0; kind < classes; ++kind) {
        model.labels.push_back(static_cast<int>(kind) + 1);
        model.intercepts.push_back(normal(random));
        for (std::size_t feature = 0; feature < features; ++feature) {
            model.weights.push_back(model.deviations[feature] == 0 ? 0 : normal(random));
        }
    }
    return model;
}

std::vector<float> random_pixels(const Model& model, std::size_t count) {
    std::mt19937 random(4);
    std::normal_distribution<double> normal;
    std::vector<float> values;
    for (std::size_t place = 0; place < count * model.features(); ++place) {
        const std::size_t feature = place % model.features();
        const double value = model.means[feature] + model.deviations[feature] * normal(random);
        values.push_back(static_cast<float>(value));
    }
    return values;
}

std::vector<double> expected_shares(const Model& model, const float* pixel) {
    std::vector<double> shares;
    for (std::size_t kind = 0; kind < model.classes(); ++kind) {
        double score = model.intercepts[kind];
        for (std::size_t feature = 0; feature < model.features(); ++feature) {
            if (model.deviations[feature] != 0) {
                const double distance = static_cast<double>(pixel[feature]) - model.means[feature];
                score +=
                    model.weights[kind * model.features() + feature] * distance / model.deviations[feature];
            }
        }
        shares.push_back(std::exp(score));
    }
    double sum = 0;
    for (const double share : shares) {
        sum += share;
    }
    for (double& share : shares) {
        share /= sum;
    }
    return shares;
}

std::vector<float> found_shares(const Model& model, const std::vector<float>& values) {
    const logistic::Regression regression(model);
    std::vector<const float*> pixels;
    for (std::size_t place = 0; place < values.size(); place += model.features()) {
        pixels.push_back(values.data() + place);
    }
    std::vector<float> shares(pixels.size() * model.classes());
    regression.find_shares(pixels.data(), pixels.size(), shares.data());
    return shares;
}

TEST(Regression, TellsTheSoftmaxOfTheScores) {
    for (const std::size_t count : {1, 63, 64, 65, 300}) {
        const Model model = random_model(13, 6);
        const std::vector<float> values = random_pixels(model, count);
        const std::vector<float> shares = found_shares(model, values);
        for (std::size_t pixel = 0; pixel < count; ++pixel) {
            const auto expected = expected_shares(model, values.data() + pixel * 13);
            for (std::size_t kind = 0; kind < 6; ++kind) {
                EXPECT_NEAR(shares[pixel * 6 + kind], expected[kind], 3e-6) << pixel;
            }
        }
    }
}

// By hand: the scores are 0 and log(3), and then log(9), of which the shares are 1/4 and 1/10.
TEST(Regression, TellsSharesByHand) {
    const Model model{{1, 2}, {10}, {2}, {0, 0}, {0, std::log(3.0)}};
    const std::vector<float> shares = found_shares(model, {12, 14, 10, -1e30F});
    EXPECT_NEAR(shares[0], 0.25, 1e-6);
    EXPECT_NEAR(shares[2], 0.1, 1e-6);
    EXPECT_FLOAT_EQ(shares[4], 0.5F);
    EXPECT_FLOAT_EQ(shares[6], 1);
    EXPECT_NEAR(shares[7], 0, 1e-30);
}

TEST(Regression, TakesAMissingValueForTheMean) {
    const Model model = random_model(3, 4);
    std::vector<float> values = random_pixels(model, 2);
    values[1] = std::numeric_limits<float>::quiet_NaN();
    std::copy_n(values.begin(), 3, values.begin() + 3);
    values[4] = static_cast<float>(model.means[1]);
    const std::vector<float> shares = found_shares(model, values);
    for (std::size_t kind = 0; kind < 4; ++kind) {
        EXPECT_EQ(shares[kind], shares[4 + kind]);
    }
}

struct alignas(64) Lanes {
    float values[block_pixels];
};

// Values of all kinds: near the mean, far away, infinite, missing.
std::vector<Lanes> odd_values(std::size_t features) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    std::vector<Lanes> values(features);
    using Limits = std::numeric_limits<float>;
    for (Lanes& lanes : values) {
        for (float& value : lanes.values) {
            value = std::exp(6 * normal(random)) * normal(random);
            if (random() % 50 == 0) {
                const float odd[] = {Limits::quiet_NaN(), Limits::infinity(), -Limits::max(), 1e-45F};
                value = odd[random() % 4];
            }
        }
    }
    return values;
}

std::vector<Lanes> shares_of_block(logistic::FindShares find_shares, std::size_t features,
                                   std::size_t classes) {
    std::mt19937 random(6);
    std::normal_distribution<float> normal;
    std::vector<float> means;
    std::vector<float> weights;
    for (std::size_t feature = 0; feature < features; ++feature) {
        means.push_back(normal(random));
        for (std::size_t kind = 0; kind < classes; ++kind) {
            weights.push_back(normal(random));
        }
    }
    const std::vector<float> limits(features, 1e6F);
    const std::vector<float> intercepts(classes, 0.1F);
    const std::vector<Lanes> values = odd_values(features);
    std::vector<Lanes> shares(classes);
    find_shares({features, classes, means.data(), limits.data(), weights.data(), intercepts.data(),
                 values[0].values, shares[0].values});
    return shares;
}

TEST(FindShares, GivesTheSameBitsByAllInstructions) {
#if defined(__x86_64__)
    for (const std::size_t classes : {1, 2, 7, 40}) {
        const auto portable = shares_of_block(logistic::find_shares_portable, 30, classes);
        const auto expect_same = [&](logistic::FindShares find_shares, const std::string& name) {
            const auto found = shares_of_block(find_shares, 30, classes);
            EXPECT_EQ(std::memcmp(found.data(), portable.data(), classes * sizeof(Lanes)), 0) << name;
        };
        if (processor::has(Instructions::avx2)) {
            expect_same(logistic::find_shares_avx2, "avx2");
        }
        if (processor::has(Instructions::avx512)) {
            expect_same(logistic::find_shares_avx512, "avx512");
        }
    }
#endif
}

TEST(Instructions, AreLimitedByTheEnvironment) {
    setenv("REGRESSION_TEST_INSTRUCTIONS", "portable", 1);
    EXPECT_EQ(processor::fastest("REGRESSION_TEST_INSTRUCTIONS"), Instructions::portable);
    setenv("REGRESSION_TEST_INSTRUCTIONS", "avx2", 1);
    EXPECT_EQ(processor::fastest("REGRESSION_TEST_INSTRUCTIONS"),
              processor::has(Instructions::avx2) ? Instructions::avx2 : Instructions::portable);
    unsetenv("REGRESSION_TEST_INSTRUCTIONS");
    EXPECT_TRUE(processor::has(processor::fastest("REGRESSION_TEST_INSTRUCTIONS")));
}

}  // namespace
