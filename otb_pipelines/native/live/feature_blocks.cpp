#include "feature_blocks.hpp"

#include <algorithm>
#include <limits>

namespace live {

std::uint64_t FeatureBlocks::pixels(std::size_t row, std::size_t column) const {
    std::uint64_t mask = 0;
    for (std::size_t y = 0; y < block_side; ++y) {
        const std::uint8_t* there =
            valid + (row * block_side + y) * across * block_side + column * block_side;
        std::uint64_t of_row = 0;
        for (std::size_t x = 0; x < block_side; ++x) {
            of_row |= static_cast<std::uint64_t>(there[x] == 1) << x;
        }
        mask |= of_row << (y * block_side);
    }
    return mask;
}

bool store(const Tile& tile, std::size_t row, std::size_t column, std::size_t across, float* blocks) {
    bool is_missing = false;
    for (std::size_t feature = 0; feature < tile.features; ++feature) {
        for (std::size_t y = 0; y < tile.rows; ++y) {
            const float* line = tile.values + (feature * tile.rows + y) * tile.columns;
            for (std::size_t x = 0; x < tile.columns; ++x) {
                is_missing |= line[x] == std::numeric_limits<float>::max();
            }
            for (std::size_t x = 0; x < tile.columns; x += block_side) {
                const std::size_t block = (row + y) / block_side * across + (column + x) / block_side;
                float* target = blocks + (block * tile.features + feature) * block_pixels +
                                (row + y) % block_side * block_side;
                std::copy_n(line + x, std::min(block_side, tile.columns - x), target);
            }
        }
    }
    return is_missing;
}

}  // namespace live
