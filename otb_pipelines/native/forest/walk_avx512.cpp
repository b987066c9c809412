#include <immintrin.h>

#include "walk_block.hpp"

namespace fast_forest {
namespace {

struct Avx512Lanes {
    static std::uint64_t at_most(const float* values, float threshold) {
        const __m512 limit = _mm512_set1_ps(threshold);
        const auto part = [&](std::ptrdiff_t number) -> std::uint64_t {
            return _mm512_cmp_ps_mask(_mm512_load_ps(values + 16 * number), limit, _CMP_LE_OQ);
        };
        return part(0) | part(1) << 16 | part(2) << 32 | part(3) << 48;
    }

    static void add(std::uint8_t* votes, std::uint64_t pixels) {
        // Whole vectors, since what a masked store has written is slow to be read again.
        _mm512_store_si512(votes, _mm512_sub_epi8(_mm512_load_si512(votes), _mm512_movm_epi8(pixels)));
    }
};

}  // namespace

void count_votes_avx512(Walk walk) {
    walk_trees<Avx512Lanes>(walk);
}

}  // namespace fast_forest
