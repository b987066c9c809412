#pragma once

#include <gdal_priv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "decoding_threads.hpp"

namespace reading {

// Whole rows of a band, one after the other.
struct Strip {
    int first;
    int rows;
    std::variant<std::vector<std::uint16_t>, std::vector<float>> pixels;
};
using Strips = std::vector<std::shared_ptr<const Strip>>;

// The first band of a raster, at a wavelet level of a JPEG 2000 file: decoded from the top to the bottom,
// each pixel once, a little ahead of those who read it.
class DecodedFile : public std::enable_shared_from_this<DecodedFile> {
  public:
    // The same for all who read a level of a file at a time. level: 0 is the file itself.
    // Throws std::runtime_error where there is none.
    static std::shared_ptr<DecodedFile> open(const std::string& path, int level);

    DecodedFile(const std::string& path, int level);

    int columns() const { return band_->GetXSize(); }
    int rows() const { return band_->GetYSize(); }
    // Map coordinates of the first pixel's outer corner, and the sides of a pixel, of which the second is
    // less than 0 in an image whose north is up.
    std::array<double, 2> corner() const { return corner_; }
    std::array<double, 2> spacing() const { return spacing_; }
    // Of the last column and row: the pixels of a level lie a little above and to the left of the ground that
    // they stand for, so that the last ones end before it does. In pixels.
    std::array<double, 2> reach() const { return reach_; }

    // Decodes the first strip already, unless another one has been read.
    void begin(DecodingThreads& threads);

    // The strips that hold these rows; while they are used, the threads decode the next one. It may be called
    // by any thread. Throws std::runtime_error where the file cannot be read.
    Strips read(int first, int end, DecodingThreads& threads);

  private:
    using Decoding = std::shared_future<std::shared_ptr<const Strip>>;
    struct Closing {
        void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
    };

    void place(double corner, double spacing, int size, int level, std::size_t dimension);
    const Decoding& decoding(int strip, DecodingThreads& threads, bool urgent);
    std::shared_ptr<const Strip> decode(int strip);
    template <class Pixel>
    std::vector<Pixel> decode(int first, int rows, GDALDataType type);

    std::string path_;
    std::unique_ptr<GDALDataset, Closing> dataset_;
    GDALRasterBand* band_;
    std::array<double, 2> corner_{};
    std::array<double, 2> spacing_{};
    std::array<double, 2> reach_{};
    int strip_rows_;
    std::mutex mutex_;
    std::map<int, Decoding> strips_;
    // A GDAL dataset is used by one thread at a time.
    std::mutex decoding_mutex_;
};

}  // namespace reading
