// The training of a logistic regression: its gradient by hand at the minimum, and by differences elsewhere.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "logistic/objective.hpp"
#include "logistic/training.hpp"

namespace {

using logistic::Model;
using logistic::Pixels;

Pixels random_pixels(std::size_t count, std::size_t features, int classes) {
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    Pixels pixels{features, {}, {}};
    for (std::size_t pixel = 0; pixel < count; ++pixel) {
        const int kind = static_cast<int>(pixel) % classes;
        pixels.codes.push_back(10 * kind + 4);
        for (std::size_t feature = 0; feature < features; ++feature) {
            const bool is_own = feature % static_cast<std::size_t>(classes) == static_cast<std::size_t>(kind);
            pixels.values.push_back(50 + 3 * (normal(random) + (is_own ? 1.5F : 0)));
        }
    }
    return pixels;
}

// The derivative of the penalised loss by each weight and intercept is 0 at the minimum.
TEST(Training, EndsWhereTheGradientIsZero) {
    const Pixels pixels = random_pixels(90, 4, 3);
    const double strength = 7;
    const Model model = logistic::train(pixels, strength);
    EXPECT_EQ(model.labels, (std::vector<int>{4, 14, 24}));
    std::vector<double> gradient(15);
    for (std::size_t pixel = 0; pixel < 90; ++pixel) {
        std::vector<double> terms;
        for (std::size_t feature = 0; feature < 4; ++feature) {
            const double value = pixels.values[pixel * 4 + feature];
            terms.push_back((value - model.means[feature]) / model.deviations[feature]);
        }
        terms.push_back(1);
        std::vector<double> shares;
        double sum = 0;
        for (std::size_t kind = 0; kind < 3; ++kind) {
            double score = model.intercepts[kind];
            for (std::size_t feature = 0; feature < 4; ++feature) {
                score += model.weights[kind * 4 + feature] * terms[feature];
            }
            shares.push_back(std::exp(score));
            sum += shares.back();
        }
        for (std::size_t kind = 0; kind < 3; ++kind) {
            const double wanted = pixels.codes[pixel] == model.labels[kind] ? 1 : 0;
            for (std::size_t term = 0; term < 5; ++term) {
                gradient[kind * 5 + term] += strength * (shares[kind] / sum - wanted) * terms[term];
            }
        }
    }
    for (std::size_t kind = 0; kind < 3; ++kind) {
        for (std::size_t feature = 0; feature < 4; ++feature) {
            EXPECT_NEAR(gradient[kind * 5 + feature] + model.weights[kind * 4 + feature], 0, 1e-8);
        }
        EXPECT_NEAR(gradient[kind * 5 + 4], 0, 1e-8);
    }
    EXPECT_NEAR(model.intercepts[0] + model.intercepts[1] + model.intercepts[2], 0, 1e-10);
}

// The derivatives by differences of the values and of the gradients.
TEST(Objective, HasTheDerivativesOfItsValue) {
    std::mt19937 random(8);
    std::normal_distribution<double> normal;
    std::vector<double> values;
    std::vector<std::size_t> kinds;
    for (std::size_t pixel = 0; pixel < 20; ++pixel) {
        values.push_back(normal(random));
        values.push_back(normal(random));
        kinds.push_back(pixel % 3);
    }
    logistic::Objective objective(values, kinds, 2, 3, 2.5);
    std::vector<double> parameters;
    for (std::size_t number = 0; number < objective.parameters(); ++number) {
        parameters.push_back(normal(random));
    }
    objective.set(parameters);
    const std::vector<double> gradient = objective.gradient();
    const std::vector<double> curvature = objective.curvature();
    const double step = 1e-5;
    for (std::size_t number = 0; number < 9; ++number) {
        std::vector<double> moved(parameters);
        moved[number] += step;
        const double above = objective.set(moved);
        const std::vector<double> gradient_above = objective.gradient();
        moved[number] -= 2 * step;
        const double below = objective.set(moved);
        const std::vector<double> gradient_below = objective.gradient();
        EXPECT_NEAR((above - below) / (2 * step), gradient[number], 1e-7);
        for (std::size_t other = number; other < 9; ++other) {
            // The penalty of the sum of the intercepts is not in the gradient.
            const double extra = number % 3 == 2 && other % 3 == 2 ? 1 : 0;
            const double change = (gradient_above[other] - gradient_below[other]) / (2 * step);
            EXPECT_NEAR(change, curvature[other * 9 + number] - extra, 1e-6) << number << ", " << other;
        }
    }
}

// Classes that are wholly apart: the penalty alone keeps the weights finite, however small it is.
TEST(Training, ConvergesWhereClassesAreApart) {
    Pixels pixels{1, {}, {}};
    for (int pixel = 0; pixel < 10; ++pixel) {
        pixels.values.push_back(pixel < 5 ? 0.0F : 1.0F);
        pixels.codes.push_back(pixel < 5 ? 1 : 2);
    }
    for (const double strength : {1e-6, 1.0, 1e6, 1e9}) {
        const Model model = logistic::train(pixels, strength);
        // With the weights -w and w of the standardised values -1 and 1: w = 5 C (2 / (1 + exp(2 w))).
        const double weight = model.weights[1];
        EXPECT_NEAR(model.weights[0], -weight, 1e-9);
        EXPECT_NEAR(weight, 10 * strength / (1 + std::exp(2 * weight)), 1e-6 * weight) << strength;
        EXPECT_NEAR(model.intercepts[0], 0, 1e-6);
    }
}

TEST(Training, GivesNoWeightToWhatDoesNotVary) {
    Pixels pixels = random_pixels(30, 2, 2);
    for (std::size_t pixel = 0; pixel < 30; ++pixel) {
        pixels.values[2 * pixel] = 0.1F;
    }
    const Model model = logistic::train(pixels, 10);
    EXPECT_EQ(model.means[0], static_cast<double>(0.1F));
    EXPECT_EQ(model.deviations[0], 0);
    EXPECT_EQ(model.weights[0], 0);
    EXPECT_EQ(model.weights[2], 0);
    EXPECT_GT(std::fabs(model.weights[1]), 0.1);
}

TEST(Training, OfOneClassHasNoWeights) {
    Pixels pixels = random_pixels(10, 3, 1);
    const Model model = logistic::train(pixels, 10);
    EXPECT_EQ(model.labels, std::vector<int>{4});
    EXPECT_EQ(model.weights, std::vector<double>(3));
    EXPECT_EQ(model.intercepts, std::vector<double>(1));
}

TEST(Training, RefusesWhatItCannotLearnFrom) {
    const Pixels sound = random_pixels(10, 2, 2);
    for (const double strength : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_THROW(logistic::train(sound, strength), std::invalid_argument);
    }
    EXPECT_THROW(logistic::train({2, {}, {}}, 1), std::invalid_argument);
    EXPECT_THROW(logistic::train({2, {1, 2, 3}, {1, 2}}, 1), std::invalid_argument);
    for (const float odd : {std::numeric_limits<float>::quiet_NaN(), 2e30F}) {
        Pixels wrong = sound;
        wrong.values[5] = odd;
        EXPECT_THROW(logistic::train(wrong, 1), std::invalid_argument);
    }
    EXPECT_THROW(logistic::train(random_pixels(10, 2500, 2), 1), std::invalid_argument);
}

}  // namespace
