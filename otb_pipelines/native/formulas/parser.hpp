#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "program.hpp"

namespace formulas {

// The error for a formula that cannot be read. The message names the character, and what was expected
// there.
class FormulaError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Reads a formula in a part of BandMath's language: numbers, bands such as im1b2 (band 2 of image 1), + - * /
// ^, comparisons, && || ?:, and the functions sqrt, exp, ln, abs, min and max. `bands` is the number of bands
// of each image. Throws FormulaError.
Program parse(const std::string& formula, const std::vector<std::size_t>& bands);

}  // namespace formulas
