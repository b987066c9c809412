#include "simplification.hpp"

#include <cmath>

#include "arithmetic.hpp"

namespace formulas {
namespace {

std::optional<double> of_number(Operation operation, double value) {
    switch (operation) {
        case Operation::Negation:
            return -value;
        case Operation::SquareRoot:
            return std::sqrt(value);
        case Operation::Exponential:
            return std::exp(value);
        case Operation::NaturalLogarithm:
            return std::log(value);
        case Operation::AbsoluteValue:
            return absolute(value);
        case Operation::Rounding:
            return rounded(value);
        default:
            return std::nullopt;
    }
}

std::optional<double> of_numbers(Operation operation, double left, double right) {
    switch (operation) {
        case Operation::Sum:
            return left + right;
        case Operation::Difference:
            return left - right;
        case Operation::Product:
            return left * right;
        case Operation::Quotient:
            return left / right;
        case Operation::Power:
            return std::pow(left, right);
        case Operation::Less:
            return left < right;
        case Operation::LessOrEqual:
            return left <= right;
        case Operation::Greater:
            return left > right;
        case Operation::GreaterOrEqual:
            return left >= right;
        case Operation::Equal:
            return left == right;
        case Operation::Unequal:
            return left != right;
        // Of numbers, unlike pixels, muParser takes the whole part.
        case Operation::Both:
            return std::trunc(left) != 0 && std::trunc(right) != 0;
        case Operation::Either:
            return std::trunc(left) != 0 || std::trunc(right) != 0;
        default:
            return std::nullopt;
    }
}

std::optional<Operand> sum(const Operand& left, const Operand& right, double sign) {
    const bool of_one_band = left.has_band() && right.has_band() && left.place == right.place;
    if (!of_one_band && !(left.has_band() && right.is_number()) && !(left.is_number() && right.has_band())) {
        return std::nullopt;
    }
    return Operand::line(left.has_band() ? left.place : right.place, left.factor + sign * right.factor,
                         left.offset + sign * right.offset);
}

std::optional<Operand> product(const Operand& left, const Operand& right) {
    if (left.is_band() && right.is_number()) {
        return Operand::line(left.place, right.offset, 0);
    }
    if (left.has_band() && right.is_number()) {
        return Operand::line(left.place, left.factor * right.offset, left.offset * right.offset);
    }
    if (left.is_number() && right.has_band()) {
        return product(right, left);
    }
    return std::nullopt;
}

std::optional<Operand> quotient(const Operand& left, const Operand& right) {
    if (left.kind == Operand::Kind::Line && right.is_number() && right.offset != 0) {
        return Operand::line(left.place, left.factor / right.offset, left.offset / right.offset);
    }
    return std::nullopt;
}

std::optional<Operand> power(const Operand& left, const Operand& right) {
    if (!left.is_band() || !right.is_number()) {
        return std::nullopt;
    }
    if (right.offset == 0) {
        return Operand::number(1);
    }
    return right.offset == 1 ? std::optional(left) : std::nullopt;
}

std::optional<Operand> of_two(Operation operation, const Operand& left, const Operand& right) {
    if (left.is_number() && right.is_number()) {
        const std::optional<double> value = of_numbers(operation, left.offset, right.offset);
        return value ? std::optional(Operand::number(*value)) : std::nullopt;
    }
    switch (operation) {
        case Operation::Sum:
            return sum(left, right, 1);
        case Operation::Difference:
            return sum(left, right, -1);
        case Operation::Product:
            return product(left, right);
        case Operation::Quotient:
            return quotient(left, right);
        case Operation::Power:
            return power(left, right);
        default:
            return std::nullopt;
    }
}

}  // namespace

std::optional<Operand> simplified(Operation operation, const std::vector<Operand>& operands) {
    if (operands.size() == 2) {
        return of_two(operation, operands[0], operands[1]);
    }
    if (operands.size() == 1 && operands[0].is_number()) {
        const std::optional<double> value = of_number(operation, operands[0].offset);
        return value ? std::optional(Operand::number(*value)) : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace formulas
