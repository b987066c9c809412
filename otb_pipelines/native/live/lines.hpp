#pragma once

#include <cstddef>
#include <cstdint>

namespace live {

// Sums for the pixels of a row: a line of `count` numbers for each class, and a last one of the weights.
struct Sums {
    const float* values;
    std::size_t count;
    std::size_t classes;
    // What the shares of a pixel add up to.
    float whole;
    // Whether shares are rounded to 1/200, as in the maps of a run.
    bool stepped;
};

// The two classes of the largest means in each pixel of a row, by number, the first one's share, and its lead
// over the second. Of equal means the first class wins.
struct Choice {
    std::uint8_t* first;
    std::uint8_t* second;
    float* confidence;
    float* margin;
};

// Functions over the pixels of a row. Each set is compiled for other instructions. All give the same bits: no
// operation of a pixel depends on another pixel, none is fused with the next, and each sum has one order.
struct Lines {
    // sums[x] = the sum of weights[t] * values[x + taps - 1 - t], from the last t to the first.
    void (*sum_votes)(const std::uint16_t* values, std::size_t count, const float* weights, std::size_t taps,
                      float* sums);
    void (*sum_fractions)(const float* values, std::size_t count, const float* weights, std::size_t taps,
                          float* sums);
    // sums[x] += weight * values[x]
    void (*add)(const float* values, std::size_t count, float weight, float* sums);
    void (*choose)(const Sums& sums, const Choice& choice);
};

extern const Lines portable_lines;
extern const Lines avx2_lines;
extern const Lines avx512_lines;

// The fastest set that this processor can run. The environment variable LIVE_MAPS_INSTRUCTIONS limits the
// choice: portable, avx2 or avx512.
const Lines& fastest_lines();

}  // namespace live
