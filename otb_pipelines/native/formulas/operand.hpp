#pragma once

#include <cstddef>

namespace formulas {

// A part of a formula: factor * band + offset, of which a number has no band, and a band no factor but 1; or
// what a step computes.
struct Operand {
    enum class Kind { Number, Band, Line, Computed };

    static Operand number(double value) { return {Kind::Number, 0, 0, value}; }
    static Operand of_band(std::size_t place) { return {Kind::Band, place, 1, 0}; }
    static Operand line(std::size_t place, double factor, double offset) {
        return {Kind::Line, place, factor, offset};
    }
    static Operand computed(std::size_t place) { return {Kind::Computed, place, 0, 0}; }

    bool is_number() const { return kind == Kind::Number; }
    bool is_band() const { return kind == Kind::Band; }
    bool has_band() const { return kind == Kind::Band || kind == Kind::Line; }

    Kind kind;
    // The register of the band or of the result.
    std::size_t place;
    double factor;
    // The value of a number.
    double offset;
};

}  // namespace formulas
