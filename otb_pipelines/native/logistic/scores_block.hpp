#pragma once

#include <cstdint>
#include <cstring>

#include "scores.hpp"

namespace logistic {

// Everything here is in an unnamed namespace, so that each file has its own copy, compiled for its own set of
// instructions. Otherwise the linker could use one copy for all files, and another processor could not run
// it. For the same reason nothing here calls a function of the standard library that is not built in.
//
// The compiler makes vectors of the loops over the pixels. No operation of a pixel depends on another pixel,
// and none is fused with the next or takes place in another order, so that the vectors' length changes no
// bit.
namespace {

// exp(power) for a power that is at most 0, with an error of two units of the last bit. Below -87 it is
// exp(-87).
inline float exponential_of(float power) {
    constexpr float smallest = -87.0F;
    constexpr float doublings_in_one = 1.44269504F;
    // The logarithm of 2 as a sum. Products with the first part are exact.
    constexpr float log2_high = 0.693359375F;
    constexpr float log2_low = -2.12194440e-4F;
    // Added to a small number, it rounds it to a whole one, which its last bits then hold.
    constexpr float rounder = 12582912.0F;
    const float bounded = power > smallest ? power : smallest;
    const float rounded = bounded * doublings_in_one + rounder;
    const float doublings = rounded - rounder;
    const float rest = (bounded - doublings * log2_high) - doublings * log2_low;
    // The series of Taylor.
    float sum = 1.0F / 5040.0F;
    sum = sum * rest + 1.0F / 720.0F;
    sum = sum * rest + 1.0F / 120.0F;
    sum = sum * rest + 1.0F / 24.0F;
    sum = sum * rest + 1.0F / 6.0F;
    sum = sum * rest + 0.5F;
    sum = sum * rest + 1.0F;
    sum = sum * rest + 1.0F;
    // The exponent of a number is in its bits from the 23rd on.
    std::uint32_t whole = 0;
    std::memcpy(&whole, &rounded, sizeof whole);
    std::uint32_t bits = 0;
    std::memcpy(&bits, &sum, sizeof bits);
    bits += whole << 23;
    float result = 0;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

inline void add_feature(const Block& block, std::size_t feature) {
    alignas(64) float distances[block_pixels];
    const float* values = block.values + feature * block_pixels;
    const float mean = block.means[feature];
    const float limit = block.limits[feature];
    for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
        const float distance = values[pixel] - mean;
        const float there = distance == distance ? distance : 0.0F;
        const float above = there > -limit ? there : -limit;
        distances[pixel] = above < limit ? above : limit;
    }
    for (std::size_t kind = 0; kind < block.classes; ++kind) {
        const float weight = block.weights[feature * block.classes + kind];
        float* scores = block.shares + kind * block_pixels;
        for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
            scores[pixel] += distances[pixel] * weight;
        }
    }
}

inline void softmax(const Block& block) {
    alignas(64) float largest[block_pixels];
    alignas(64) float sums[block_pixels];
    for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
        largest[pixel] = block.shares[pixel];
        sums[pixel] = 0.0F;
    }
    for (std::size_t kind = 1; kind < block.classes; ++kind) {
        const float* scores = block.shares + kind * block_pixels;
        for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
            largest[pixel] = scores[pixel] > largest[pixel] ? scores[pixel] : largest[pixel];
        }
    }
    for (std::size_t kind = 0; kind < block.classes; ++kind) {
        float* scores = block.shares + kind * block_pixels;
        for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
            scores[pixel] = exponential_of(scores[pixel] - largest[pixel]);
            sums[pixel] += scores[pixel];
        }
    }
    for (std::size_t kind = 0; kind < block.classes; ++kind) {
        float* shares = block.shares + kind * block_pixels;
        for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
            shares[pixel] /= sums[pixel];
        }
    }
}

inline void find_shares(const Block& block) {
    for (std::size_t kind = 0; kind < block.classes; ++kind) {
        for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
            block.shares[kind * block_pixels + pixel] = block.intercepts[kind];
        }
    }
    for (std::size_t feature = 0; feature < block.features; ++feature) {
        add_feature(block, feature);
    }
    softmax(block);
}

}  // namespace
}  // namespace logistic
