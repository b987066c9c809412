#include "evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace formulas {
namespace {

// Few enough pixels at a time for all registers to stay in the processor's nearest cache.
constexpr std::size_t run_pixels = 256;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// A step may write where it reads, but no value depends on another pixel's.
template <class Function>
void each(Function function, std::size_t count, double* target, const double* values) {
#pragma GCC ivdep
    for (std::size_t pixel = 0; pixel < count; ++pixel) {
        target[pixel] = function(values[pixel]);
    }
}

template <class Function>
void each(Function function, std::size_t count, double* target, const double* left, const double* right) {
#pragma GCC ivdep
    for (std::size_t pixel = 0; pixel < count; ++pixel) {
        target[pixel] = function(left[pixel], right[pixel]);
    }
}

// IEEE 754 gives a number for some functions of NaN. Here, NaN stays NaN.
template <class Function>
void each_known(Function function, std::size_t count, double* target, const double* left,
                const double* right) {
    const auto known = [function](double one, double other) {
        const double value = function(one, other);
        return std::isunordered(one, other) ? not_a_number : value;
    };
    each(known, count, target, left, right);
}

void choose(std::size_t count, double* target, const double* conditions, const double* yes,
            const double* no) {
#pragma GCC ivdep
    for (std::size_t pixel = 0; pixel < count; ++pixel) {
        const double one = yes[pixel];
        const double other = no[pixel];
        const double chosen = conditions[pixel] != 0 ? one : other;
        target[pixel] = std::isnan(conditions[pixel]) ? not_a_number : chosen;
    }
}

void write(const double* values, std::size_t count, float* target) {
    for (std::size_t pixel = 0; pixel < count; ++pixel) {
        const auto value = static_cast<float>(values[pixel]);
        target[pixel] = std::fabs(value) <= std::numeric_limits<float>::max()
                            ? value
                            : std::numeric_limits<float>::quiet_NaN();
    }
}

}  // namespace

Evaluation::Evaluation(const Program& program)
    : program_(program), registers_(program.registers * run_pixels) {
    for (const Program::Number& number : program.numbers) {
        std::fill_n(values(number.place), run_pixels, number.value);
    }
}

double* Evaluation::values(std::size_t place) {
    return registers_.data() + place * run_pixels;
}

void Evaluation::evaluate(const std::vector<Row>& rows, std::size_t pixels, float* target) {
    for (std::size_t first = 0; first < pixels; first += run_pixels) {
        const std::size_t count = std::min(run_pixels, pixels - first);
        for (std::size_t band = 0; band < rows.size(); ++band) {
            read(rows[band], first, count, values(program_.bands[band].place));
        }
        for (const Program::Step& step : program_.steps) {
            run(step, count);
        }
        write(values(program_.result), count, target + first);
    }
}

void Evaluation::read(const Row& row, std::size_t first, std::size_t count, double* target) const {
    const float* source = row.first + first * row.stride;
    if (row.stride == 1) {
        std::copy_n(source, count, target);
        return;
    }
    for (std::size_t pixel = 0; pixel < count; ++pixel) {
        target[pixel] = source[pixel * row.stride];
    }
}

void Evaluation::run(const Program::Step& step, std::size_t count) {
    double* target = values(step.target);
    const double* first = values(step.operands[0]);
    const double* second = values(step.operands[1]);
    const auto of_one = [&](auto function) { each(function, count, target, first); };
    const auto of_two = [&](auto function) { each(function, count, target, first, second); };
    const auto of_known = [&](auto function) { each_known(function, count, target, first, second); };
    switch (step.operation) {
        case Operation::Negation:
            return of_one([](double value) { return -value; });
        case Operation::SquareRoot:
            return of_one([](double value) { return std::sqrt(value); });
        case Operation::Exponential:
            return of_one([](double value) { return std::exp(value); });
        case Operation::NaturalLogarithm:
            return of_one([](double value) { return std::log(value); });
        case Operation::AbsoluteValue:
            return of_one([](double value) { return std::fabs(value); });
        case Operation::Finite:
            return of_one([](double value) {
                return std::fabs(value) <= std::numeric_limits<double>::max() ? 1.0 : 0.0;
            });
        case Operation::Sum:
            return of_two([](double left, double right) { return left + right; });
        case Operation::Difference:
            return of_two([](double left, double right) { return left - right; });
        case Operation::Product:
            return of_two([](double left, double right) { return left * right; });
        case Operation::Quotient:
            return of_two([](double left, double right) { return left / right; });
        case Operation::Power:
            return of_known([](double left, double right) { return std::pow(left, right); });
        case Operation::Less:
            return of_known([](double left, double right) { return left < right ? 1.0 : 0.0; });
        case Operation::LessOrEqual:
            return of_known([](double left, double right) { return left <= right ? 1.0 : 0.0; });
        case Operation::Greater:
            return of_known([](double left, double right) { return left > right ? 1.0 : 0.0; });
        case Operation::GreaterOrEqual:
            return of_known([](double left, double right) { return left >= right ? 1.0 : 0.0; });
        case Operation::Equal:
            return of_known([](double left, double right) { return left == right ? 1.0 : 0.0; });
        case Operation::Unequal:
            return of_known([](double left, double right) { return left != right ? 1.0 : 0.0; });
        case Operation::Both:
            return of_known(
                [](double left, double right) { return ((left != 0) & (right != 0)) ? 1.0 : 0.0; });
        case Operation::Either:
            return of_known(
                [](double left, double right) { return ((left != 0) | (right != 0)) ? 1.0 : 0.0; });
        case Operation::Least:
            return of_known([](double left, double right) { return right < left ? right : left; });
        case Operation::Greatest:
            return of_known([](double left, double right) { return left < right ? right : left; });
        case Operation::Choice:
            return choose(count, target, first, second, values(step.operands[2]));
    }
}

}  // namespace formulas
