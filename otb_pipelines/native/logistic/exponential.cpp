#include "exponential.hpp"

#include <cmath>

namespace logistic {
namespace {

// The logarithm of 2 as a sum. The first part ends in zeros, so that its product with a small whole number is
// exact.
constexpr double log2_high = 0x1.62e42feep-1;
constexpr double log2_low = 0x1.a39ef35793c76p-33;

constexpr double smallest_power = -700;
constexpr int terms_of_exponential = 14;
constexpr int terms_of_logarithm = 18;

}  // namespace

double exponential(double power) {
    if (power < smallest_power) {
        return 0;
    }
    const double doublings = std::floor(power / log2_high + 0.5);
    const double rest = (power - doublings * log2_high) - doublings * log2_low;
    // The rest is at most 0.35, and the series of Taylor ends below the last bit.
    double sum = 1;
    for (int term = terms_of_exponential; term > 0; --term) {
        sum = 1 + sum * rest / term;
    }
    return std::ldexp(sum, static_cast<int>(doublings));
}

double logarithm(double number) {
    int doublings = 0;
    double mantissa = std::frexp(number, &doublings);
    // From the root of 1/2 to the root of 2.
    if (mantissa < 0.7071067811865476) {
        mantissa *= 2;
        --doublings;
    }
    // log(m) = 2 artanh((m - 1) / (m + 1)), of which the argument is at most 0.172.
    const double argument = (mantissa - 1) / (mantissa + 1);
    const double square = argument * argument;
    double sum = 0;
    for (int term = terms_of_logarithm; term >= 0; --term) {
        sum = sum * square + 1.0 / (2 * term + 1);
    }
    return doublings * log2_high + (doublings * log2_low + 2 * argument * sum);
}

}  // namespace logistic
