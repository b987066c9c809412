#pragma once

#include <gdal_priv.h>

#include <cstddef>
#include <vector>

#include "average.hpp"

namespace writing {

// Writes bands of one size to a new GeoTIFF from the top to the bottom. Each block is written once, when all
// its rows are there, and past GDAL's cache. So the order of the blocks in the file depends neither on the
// memory nor on what other threads read.
class BlockWriter {
  public:
    // The bands of a file, or of one of its overviews. `interleaved` says that a block holds all of them.
    BlockWriter(const std::vector<GDALRasterBand*>& bands, bool interleaved);

    // Adds the next rows of a band, the first of which is 0, and writes the blocks that are complete. Numbers
    // are rounded to those that the band may hold.
    CPLErr add(std::size_t band, const Rows& rows);

  private:
    struct Band {
        GDALRasterBand* file;
        // Rows that are not yet written, in the type of the band.
        std::vector<GByte> pending;
        int next_block_row = 0;
    };

    CPLErr write_complete(std::size_t first, std::size_t end);
    CPLErr write_block(const Band& band, int column);
    int pending_rows(const Band& band) const;
    int rows_of_block(int block_row) const;

    std::vector<Band> bands_;
    bool interleaved_;
    GDALDataType type_;
    std::size_t pixel_bytes_;
    int columns_;
    int rows_;
    int block_columns_ = 0;
    int block_rows_ = 0;
    std::vector<GByte> block_;
};

}  // namespace writing
