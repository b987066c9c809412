#include <immintrin.h>

#include "walk_block.hpp"

namespace fast_forest {
namespace {

struct Avx2Lanes {
    static std::uint64_t at_most(const float* values, float threshold) {
        const __m256 limit = _mm256_set1_ps(threshold);
        std::uint64_t result = 0;
        for (std::ptrdiff_t part = 7; part >= 0; --part) {
            const __m256 compared = _mm256_cmp_ps(_mm256_load_ps(values + 8 * part), limit, _CMP_LE_OQ);
            result = result << 8 | static_cast<std::uint64_t>(_mm256_movemask_ps(compared));
        }
        return result;
    }

    static void add(std::uint8_t* votes, std::uint64_t pixels) {
        add_half(votes, static_cast<int>(pixels));
        add_half(votes + 32, static_cast<int>(pixels >> 32));
    }

  private:
    static void add_half(std::uint8_t* votes, int pixels) {
        // Byte i of the vector takes the byte of the mask that holds bit i, and keeps that bit of it.
        const __m256i byte_of_bit =
            _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
        const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
        const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(pixels), byte_of_bit);
        const __m256i chosen = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
        const __m256i before = _mm256_load_si256(reinterpret_cast<const __m256i*>(votes));
        _mm256_store_si256(reinterpret_cast<__m256i*>(votes), _mm256_sub_epi8(before, chosen));
    }
};

}  // namespace

void count_votes_avx2(Walk walk) {
    walk_trees<Avx2Lanes>(walk);
}

}  // namespace fast_forest
