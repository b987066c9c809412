#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "program.hpp"

namespace formulas {

// A formula that cannot be read: where, and what was expected there.
class FormulaError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Reads a formula in BandMath's language, or rather the part of it that names no statistics of images:
// numbers, bands as im1b2 (image 1, band 2), + - * / ^, comparisons, && || ?:, sqrt exp ln abs min max.
//
// bands: of each image. Throws FormulaError.
Program parse(const std::string& formula, const std::vector<std::size_t>& bands);

}  // namespace formulas
