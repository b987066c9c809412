#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "raster_level.hpp"

namespace reading {

// A file of a band, and what is added to its numbers.
struct BandFile {
    std::string path;
    int shift = 0;

    bool operator<(const BandFile& other) const {
        return path != other.path ? path < other.path : shift < other.shift;
    }
};

// The band of one acquisition that several JPEG 2000 files of one grid share. Each pixel is of the first file
// that has data there; 0 means no data. A wavelet level is that of one file that holds all their pixels.
class JoinedBand {
  public:
    // Throws std::runtime_error if a file cannot be opened, or the files do not fit together.
    JoinedBand(const std::vector<BandFile>& files, int level);

    // The first file's level, which gives the place of the pixels.
    const RasterLevel& first() const { return parts_.front().at_level; }
    // The columns and rows of the tiles at the level.
    std::array<int, 2> tile() const { return {tile_columns_, tile_rows_}; }

    // Whole rows of tiles, of which the last ones may end with the image. Throws std::runtime_error if a file
    // cannot be read.
    std::vector<std::uint16_t> read(int first, int rows) const;

  private:
    struct Part {
        RasterLevel at_level;
        RasterLevel whole;
        int shift;
    };

    std::vector<std::uint16_t> read_tile(const Window& window) const;
    std::vector<std::uint16_t> analysed(const Window& window, const std::vector<const Part*>& parts) const;

    std::vector<Part> parts_;
    int level_;
    int tile_columns_;
    int tile_rows_;
    // Whether a level of one file alone is its part of the level of all.
    bool same_tiles_ = true;
};

}  // namespace reading
