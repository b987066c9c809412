#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "operand.hpp"
#include "program.hpp"

namespace formulas {

// Makes a program from the inside out: an operation is applied when its operands are there, each of which is
// used once.
class ProgramBuilder {
  public:
    Operand band(std::size_t image, std::size_t band);
    Operand apply(Operation operation, std::vector<Operand> operands);
    Program finish(const Operand& result);

  private:
    // The register in which a step finds an operand.
    std::size_t place_of(const Operand& operand);
    std::size_t add_step(Operation operation, const std::vector<std::size_t>& operands, double factor = 1,
                         double offset = 0);

    Program program_;
    // Registers that steps write to, and those of them whose values have been used.
    std::set<std::size_t> results_;
    std::vector<std::size_t> free_;
};

}  // namespace formulas
