#pragma once

#include <cstddef>
#include <cstdint>

namespace live {

// The pixels of a side of a block. A block of 64 pixels that are near each other walks fast through trees.
constexpr std::size_t block_side = 8;
constexpr std::size_t block_pixels = block_side * block_side;

// The features of a scene, block by block: down, across, feature, and the 64 pixels of the block row by row.
// All numbers begin on a boundary of 64 bytes.
struct FeatureBlocks {
    const float* values;
    std::size_t down;
    std::size_t across;
    std::size_t features;
    // (down x 8) x (across x 8) numbers: 1 where a pixel is to be classified.
    const std::uint8_t* valid;

    const float* block(std::size_t row, std::size_t column) const {
        return values + (row * across + column) * features * block_pixels;
    }

    // A mask of the pixels of a block that are to be classified.
    std::uint64_t pixels(std::size_t row, std::size_t column) const;
};

// A part of the features as a raster has it: feature, row, column.
struct Tile {
    const float* values;
    std::size_t features;
    std::size_t rows;
    std::size_t columns;
};

// Copies a tile into the blocks. Its first pixel is (row, column), the corner of a block. `blocks` has
// `across` blocks in a row. Returns whether a value is the largest number, which in OpenCV's forests means a
// missing one.
bool store(const Tile& tile, std::size_t row, std::size_t column, std::size_t across, float* blocks);

}  // namespace live
