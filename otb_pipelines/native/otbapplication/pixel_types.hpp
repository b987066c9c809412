#pragma once

#include <complex>
#include <cstdint>

namespace otbpy {

// A list of types.
template <class... Pixels>
struct PixelTypes {};

// All pixel types that OTB and NumPy have in common.
using SharedPixels = PixelTypes<std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, float,
                                double, std::complex<float>, std::complex<double>>;

}  // namespace otbpy
