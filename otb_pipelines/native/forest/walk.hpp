#pragma once

#include <cstddef>
#include <cstdint>

#include "forest.hpp"

namespace fast_forest {

// Pixels that walk through the trees together; one bit each in a mask.
constexpr std::size_t block_pixels = 64;

// Trees that a block walks through at once; 8-bit votes could count up to 255.
constexpr std::size_t most_trees = 64;

// The pixels of a block that have come to a place.
struct Visit {
    Child place;
    std::uint64_t pixels;
};

// At one depth of a tree each pixel is in one place, and no place is listed without a pixel. One more, since
// a place is written to the list before it is known whether to keep it.
constexpr std::size_t most_visits = block_pixels * most_trees + 1;

struct Walk {
    const Node* nodes;
    const Child* roots;
    std::size_t trees;
    // features x block_pixels: the values of a feature side by side.
    const float* values;
    // Which pixels of the block there are.
    std::uint64_t pixels;
    // classes x block_pixels; to be added to.
    std::uint8_t* votes;
    // Room for most_visits each.
    Visit* visits;
    Visit* next_visits;
    Visit* leaves;
};

// Add the votes of the trees for a block of pixels.
using CountVotes = void (*)(Walk walk);

// Each is compiled for another processor.
void count_votes_portable(Walk walk);
void count_votes_avx2(Walk walk);
void count_votes_avx512(Walk walk);

// The fastest that this processor runs; the environment variable FAST_FOREST_INSTRUCTIONS, which may be
// portable, avx2 or avx512, asks for no more than that.
CountVotes fastest_count_votes();

}  // namespace fast_forest
