#include "walk_block.hpp"

namespace fast_forest {
namespace {

struct PortableLanes {
    static std::uint64_t at_most(const float* values, float threshold) {
        std::uint64_t result = 0;
        for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
            result |= std::uint64_t{values[pixel] <= threshold} << pixel;
        }
        return result;
    }

    static void add(std::uint8_t* votes, std::uint64_t pixels) {
        for (; pixels != 0; pixels &= pixels - 1) {
            ++votes[__builtin_ctzll(pixels)];
        }
    }
};

}  // namespace

void count_votes_portable(Walk walk) {
    walk_trees<PortableLanes>(walk);
}

}  // namespace fast_forest
