#pragma once

#include <optional>
#include <vector>

#include "operand.hpp"
#include "program.hpp"

namespace formulas {

// What needs no step of its own: numbers alone, and sums and multiples of one band and numbers. They are what
// muParser makes of them, and in its order, since another one would round otherwise.
std::optional<Operand> simplified(Operation operation, const std::vector<Operand>& operands);

}  // namespace formulas
