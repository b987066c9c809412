#include "wavelet.hpp"

#include <cstddef>
#include <utility>

namespace reading {
namespace {

std::int32_t floor_shift(std::int32_t value, int bits) {
    // Rounds to minus infinity: the divisor is a power of two.
    return value >= 0 ? value >> bits : ~(~value >> bits);
}

// Writes the low-pass half of `count` samples, each `step` apart, one after the other to the same place.
// Samples beyond the ends are mirrored.
void keep_low(std::int32_t* samples, int count, std::size_t step) {
    if (count < 2) {
        return;
    }
    const auto at = [samples, step](int place) -> std::int32_t& {
        return samples[static_cast<std::size_t>(place) * step];
    };
    const auto high = [&](int odd) {
        const std::int32_t after = odd + 1 < count ? at(odd + 1) : at(odd - 1);
        return at(odd) - floor_shift(at(odd - 1) + after, 1);
    };
    // The samples at odd places become the high-pass half, which the low-pass half needs on both sides.
    for (int odd = 1; odd < count; odd += 2) {
        at(odd) = high(odd);
    }
    for (int even = 0; even < count; even += 2) {
        const std::int32_t before = even > 0 ? at(even - 1) : at(even + 1);
        const std::int32_t after = even + 1 < count ? at(even + 1) : before;
        at(even) += floor_shift(before + after + 2, 2);
    }
    for (int even = 2; even < count; even += 2) {
        at(even / 2) = at(even);
    }
}

Tile next_level(Tile tile) {
    const auto columns = static_cast<std::size_t>(tile.columns);
    // The order matters, since each pass rounds: the encoder filters the columns first.
    for (std::size_t column = 0; column < columns; ++column) {
        keep_low(tile.pixels.data() + column, tile.rows, columns);
    }
    Tile half{(tile.columns + 1) / 2, (tile.rows + 1) / 2, {}};
    half.pixels.reserve(static_cast<std::size_t>(half.columns) * static_cast<std::size_t>(half.rows));
    for (int row = 0; row < half.rows; ++row) {
        std::int32_t* line = tile.pixels.data() + static_cast<std::size_t>(row) * columns;
        keep_low(line, tile.columns, 1);
        half.pixels.insert(half.pixels.end(), line, line + half.columns);
    }
    return half;
}

}  // namespace

Tile wavelet_level(Tile tile, int level) {
    for (int done = 0; done < level; ++done) {
        tile = next_level(std::move(tile));
    }
    return tile;
}

}  // namespace reading
