#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "program.hpp"

namespace formulas {

// Makes a program from the inside out: an operation is applied when its operands are there. Operands are
// registers; what an operation computes is used once.
class ProgramBuilder {
  public:
    std::size_t band(std::size_t image, std::size_t band);
    std::size_t number(double value);
    std::size_t apply(Operation operation, const std::vector<std::size_t>& operands);
    Program finish(std::size_t result);

  private:
    Program program_;
    // Registers that steps write to, and those of them whose values have been used.
    std::set<std::size_t> results_;
    std::vector<std::size_t> free_;
};

}  // namespace formulas
