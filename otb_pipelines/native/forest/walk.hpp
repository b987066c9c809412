#pragma once

#include <cstddef>
#include <cstdint>

#include "forest.hpp"

namespace fast_forest {

// The number of pixels that walk through the trees together. Each has one bit in a mask.
constexpr std::size_t block_pixels = 64;

// The number of trees that a block of pixels walks through at once. Votes of 8 bits could count up to 255.
constexpr std::size_t most_trees = 64;

// The pixels of a block that have arrived at the same place of a tree.
struct Visit {
    Child place;
    std::uint64_t pixels;
};

// The largest number of visits in a list. At one depth of a tree each pixel is in one place, and only places
// with a pixel are listed. There is room for one more, because a visit is written to the list before it is
// known whether it counts.
constexpr std::size_t most_visits = block_pixels * most_trees + 1;

// The input and output of a walk, and the memory that it needs.
struct Walk {
    const Node* nodes;
    const Child* roots;
    std::size_t trees;
    // features x block_pixels numbers; the values of one feature are side by side.
    const float* values;
    // A mask of the pixels that the block holds.
    std::uint64_t pixels;
    // classes x block_pixels counts, to which the walk adds.
    std::uint8_t* votes;
    // Each has room for most_visits.
    Visit* visits;
    Visit* next_visits;
    Visit* leaves;
};

// A function that adds the votes of the trees for a block of pixels.
using CountVotes = void (*)(Walk walk);

// Each of these is compiled for another set of instructions.
void count_votes_portable(Walk walk);
void count_votes_avx2(Walk walk);
void count_votes_avx512(Walk walk);

// The fastest function that this processor can run. The environment variable FAST_FOREST_INSTRUCTIONS limits
// the choice: portable, avx2 or avx512.
CountVotes fastest_count_votes();

}  // namespace fast_forest
