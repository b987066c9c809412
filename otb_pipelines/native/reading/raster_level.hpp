#pragma once

#include <gdal_priv.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "checked_copy.hpp"

namespace reading {

// The rectangle of pixels that begins at a column and a row.
struct Window {
    int column;
    int row;
    int columns;
    int rows;
};

// The first band of a raster, or one of its wavelet levels if the raster is a JPEG 2000 file. One thread at a
// time uses it.
class RasterLevel {
  public:
    // Level 0 is the file itself. Throws std::runtime_error if the file cannot be opened, is not
    // georeferenced or has no such level.
    RasterLevel(const std::string& path, int level);

    const std::string& path() const { return path_; }
    int columns() const { return band_->GetXSize(); }
    int rows() const { return band_->GetYSize(); }
    // The blocks that are decoded as a whole: their columns and rows.
    std::array<int, 2> block() const;
    bool has_whole_numbers() const;
    // As of `DecodedFile`.
    std::array<double, 2> corner() const { return corner_; }
    std::array<double, 2> spacing() const { return spacing_; }
    std::array<double, 2> reach() const { return reach_; }

    // The pixels of a window, row by row. `type` is GDAL's name of Pixel. Throws std::runtime_error if the
    // file cannot be read, or is damaged there.
    template <class Pixel>
    std::vector<Pixel> read(const Window& window, GDALDataType type) const;

  private:
    struct Closing {
        void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
    };

    // Has OpenJPEG compare the file with its own lengths.
    void open_copy();
    void place(double corner, double spacing, int size, int level, std::size_t dimension);

    std::string path_;
    // Outlives the dataset that reads it.
    std::unique_ptr<CheckedCopy> copy_;
    std::unique_ptr<GDALDataset, Closing> dataset_;
    GDALRasterBand* band_;
    std::array<double, 2> corner_{};
    std::array<double, 2> spacing_{};
    std::array<double, 2> reach_{};
};

}  // namespace reading
