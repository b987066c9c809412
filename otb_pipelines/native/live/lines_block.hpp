#pragma once

#include "lines.hpp"

namespace live {

// Everything here is in an unnamed namespace, so that each file has its own copy, compiled for its own set of
// instructions. For the same reason nothing here calls a function of the standard library.
namespace {

template <class Share>
inline void sum_line(const Share* values, std::size_t count, const float* weights, std::size_t taps,
                     float* sums) {
    for (std::size_t x = 0; x < count; ++x) {
        sums[x] = 0.0F;
    }
    for (std::size_t tap = 0; tap < taps; ++tap) {
        const float weight = weights[taps - 1 - tap];
        for (std::size_t x = 0; x < count; ++x) {
            sums[x] += weight * static_cast<float>(values[x + tap]);
        }
    }
}

void sum_votes(const std::uint16_t* values, std::size_t count, const float* weights, std::size_t taps,
               float* sums) {
    sum_line(values, count, weights, taps, sums);
}

void sum_fractions(const float* values, std::size_t count, const float* weights, std::size_t taps,
                   float* sums) {
    sum_line(values, count, weights, taps, sums);
}

void add(const float* values, std::size_t count, float weight, float* sums) {
    for (std::size_t x = 0; x < count; ++x) {
        sums[x] += weight * values[x];
    }
}

// std::round(share * 200) / 200, for a share that is not negative. A vector can be made of it.
inline float in_steps(float share) {
    constexpr float steps = 200.0F;
    const float scaled = share * steps;
    const auto below = static_cast<float>(static_cast<std::int32_t>(scaled));
    return (scaled - below >= 0.5F ? below + 1.0F : below) / steps;
}

// The number of pixels that are chosen for at a time. Their means stay in the fastest memory.
constexpr std::size_t chunk = 64;

inline void choose_chunk(const Sums& sums, const Choice& choice, std::size_t begin, std::size_t size) {
    float first[chunk];
    float second[chunk];
    std::int32_t first_kind[chunk];
    std::int32_t second_kind[chunk];
    const float* weights = sums.values + sums.classes * sums.count + begin;
    for (std::size_t x = 0; x < size; ++x) {
        first[x] = -1.0F;
        second[x] = -1.0F;
        first_kind[x] = 0;
        second_kind[x] = 0;
    }
    for (std::size_t kind = 0; kind < sums.classes; ++kind) {
        const float* values = sums.values + kind * sums.count + begin;
        const auto number = static_cast<std::int32_t>(kind);
        for (std::size_t x = 0; x < size; ++x) {
            const float weight = weights[x] > 0.0F ? weights[x] : 1.0F;
            const float mean = values[x] / weight;
            const bool wins = mean > first[x];
            const bool is_next = mean > second[x];
            second_kind[x] = wins ? first_kind[x] : (is_next ? number : second_kind[x]);
            second[x] = wins ? first[x] : (is_next ? mean : second[x]);
            first_kind[x] = wins ? number : first_kind[x];
            first[x] = wins ? mean : first[x];
        }
    }
    for (std::size_t x = 0; x < size; ++x) {
        const float confidence = first[x] / sums.whole;
        const float margin = (first[x] - second[x]) / sums.whole;
        choice.confidence[begin + x] = sums.stepped ? in_steps(confidence) : confidence;
        choice.margin[begin + x] = sums.stepped ? in_steps(margin) : margin;
        choice.first[begin + x] = static_cast<std::uint8_t>(first_kind[x]);
        choice.second[begin + x] = static_cast<std::uint8_t>(second_kind[x]);
    }
}

void choose(const Sums& sums, const Choice& choice) {
    for (std::size_t begin = 0; begin < sums.count; begin += chunk) {
        const std::size_t rest = sums.count - begin;
        choose_chunk(sums, choice, begin, rest < chunk ? rest : chunk);
    }
}

}  // namespace
}  // namespace live
