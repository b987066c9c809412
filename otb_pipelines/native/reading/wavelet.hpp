#pragma once

#include <cstdint>
#include <vector>

namespace reading {

// The pixels of a tile, row by row.
struct Tile {
    int columns;
    int rows;
    std::vector<std::int32_t> pixels;
};

// The wavelet level of a tile of a JPEG 2000 file that is compressed by the reversible 5/3 wavelet, such as a
// decoder gives it (ISO/IEC 15444-1, annex F). The tile's first column and row are multiples of 2 to the
// level, or 0.
Tile wavelet_level(Tile tile, int level);

}  // namespace reading
