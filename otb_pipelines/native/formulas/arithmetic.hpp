#pragma once

#include <cmath>

namespace formulas {

// muParser's: a 0 keeps its sign.
inline double absolute(double value) {
    return value >= 0 ? value : -value;
}

// muParser's: halves go up.
inline double rounded(double value) {
    return std::floor(value + 0.5);
}

}  // namespace formulas
