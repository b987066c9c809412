#pragma once

#include <cstddef>

namespace logistic {

// The number of pixels whose shares are computed together.
constexpr std::size_t block_pixels = 64;

// The input and output of the computation for a block of pixels. All numbers of pixels are on boundaries of
// 64 bytes.
struct Block {
    std::size_t features;
    std::size_t classes;
    // By feature.
    const float* means;
    // The largest distance of a value from the mean of its feature. Values further away are clipped to it,
    // and missing values count as the mean.
    const float* limits;
    // By feature and class: the change of the score with the value.
    const float* weights;
    // By class: the score where all values are the means.
    const float* intercepts;
    // By feature and pixel.
    const float* values;
    // By class and pixel: the result.
    float* shares;
};

// A function that computes the shares of the classes for a block of pixels.
using FindShares = void (*)(const Block& block);

// Each of these is compiled for another set of instructions. All give the same bits.
void find_shares_portable(const Block& block);
void find_shares_avx2(const Block& block);
void find_shares_avx512(const Block& block);

// The fastest function that this processor can run. The environment variable
// LOGISTIC_REGRESSION_INSTRUCTIONS limits the choice: portable, avx2 or avx512.
FindShares fastest_find_shares();

}  // namespace logistic
