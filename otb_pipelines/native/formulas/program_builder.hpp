#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "program.hpp"

namespace formulas {

// Builds a program step by step. Each function returns the register that holds its result, for use as an
// operand. The operands of a step must be built before it. The result of a step can be used once.
class ProgramBuilder {
  public:
    std::size_t band(std::size_t image, std::size_t band);
    std::size_t number(double value);
    std::size_t apply(Operation operation, const std::vector<std::size_t>& operands);
    Program finish(std::size_t result);

  private:
    Program program_;
    // All registers that steps write to, and those whose values have been used and that are free again.
    std::set<std::size_t> results_;
    std::vector<std::size_t> free_;
};

}  // namespace formulas
