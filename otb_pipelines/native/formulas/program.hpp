#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace formulas {

enum class Operation {
    // These have one operand.
    Negation,
    SquareRoot,
    Exponential,
    NaturalLogarithm,
    AbsoluteValue,
    // 1 for a finite number, 0 for any other: the only operation whose result on NaN is not NaN.
    Finite,
    // These have two operands.
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
    // This has three operands: if the first is not 0 the second, otherwise the third. What is not chosen may
    // be NaN.
    Choice,
};

// A formula as a list of steps over registers. A register holds one value for each of some pixels.
struct Program {
    // A band of an image, both counted from 0, and the register that it is loaded into.
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

    // Bands and numbers are in their registers before the first step. No step overwrites them.
    std::vector<Band> bands;
    std::vector<Number> numbers;
    std::vector<Step> steps;
    std::size_t registers = 0;
    std::size_t result = 0;
};

}  // namespace formulas
