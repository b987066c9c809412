#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace formulas {

enum class Operation {
    // Of one operand.
    Negation,
    SquareRoot,
    Exponential,
    NaturalLogarithm,
    AbsoluteValue,
    // Of two.
    Sum,
    Difference,
    Product,
    Quotient,
    Power,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
    Both,
    Either,
    Least,
    Greatest,
    // The second where the first is not 0, else the third.
    Choice,
};

// A formula as steps over registers, each of which holds a value for each of a run of pixels.
struct Program {
    // Images and bands are counted from 0.
    struct Band {
        std::size_t image;
        std::size_t band;
        std::size_t place;
    };
    struct Number {
        double value;
        std::size_t place;
    };
    struct Step {
        Operation operation;
        std::size_t target;
        std::array<std::size_t, 3> operands;
    };

    // What is in registers before the first step; no step writes there.
    std::vector<Band> bands;
    std::vector<Number> numbers;
    std::vector<Step> steps;
    std::size_t registers = 0;
    std::size_t result = 0;
};

}  // namespace formulas
