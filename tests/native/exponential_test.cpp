// The exponential and the logarithm against those of the C library, in more digits.

#include "logistic/exponential.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace {

// Some units of the last of 53 bits.
constexpr double accuracy = 5e-16;

TEST(Exponential, IsThatOfTheLibrary) {
    for (int number = 0; number < 67000; ++number) {
        const double power = -0.01037 * number;
        const long double expected = std::exp(static_cast<long double>(power));
        const auto relative = static_cast<double>(logistic::exponential(power) / expected - 1);
        ASSERT_LT(std::fabs(relative), accuracy) << power;
    }
    EXPECT_EQ(logistic::exponential(0), 1);
    EXPECT_EQ(logistic::exponential(-701), 0);
    EXPECT_EQ(logistic::exponential(-1e300), 0);
}

TEST(Exponential, HasALogarithm) {
    double number = 1e-12;
    for (int count = 0; count < 42000; ++count) {
        number *= 1.0013;
        const long double expected = std::log(static_cast<long double>(number));
        const auto error = static_cast<double>(logistic::logarithm(number) - expected);
        ASSERT_LT(std::fabs(error), accuracy * (1 + std::fabs(static_cast<double>(expected)))) << number;
    }
    EXPECT_EQ(logistic::logarithm(1), 0);
}

}  // namespace
