#pragma once

#include <array>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "decoding_threads.hpp"
#include "joined_band.hpp"
#include "raster_level.hpp"

namespace reading {

// Some whole rows of a band.
struct Strip {
    int first;
    int rows;
    std::variant<std::vector<std::uint16_t>, std::vector<float>> pixels;
};
using Strips = std::vector<std::shared_ptr<const Strip>>;

// The first band of a raster, or one of its wavelet levels if the raster is a JPEG 2000 file; or such a band
// that several files share. The band is decoded in strips. While a reader uses one strip, the threads decode
// the next one. Each pixel is decoded once if all readers go from the top to the bottom at about the same
// pace.
class DecodedFile : public std::enable_shared_from_this<DecodedFile> {
  public:
    // Opens a file, or returns the one that is open already: all readers of a level of a file share it. Level
    // 0 is the file itself. Throws std::runtime_error if the file cannot be opened or has no such level.
    static std::shared_ptr<DecodedFile> open(const std::vector<BandFile>& files, int level);

    DecodedFile(const std::vector<BandFile>& files, int level);

    int columns() const { return band().columns(); }
    int rows() const { return band().rows(); }
    // The map coordinates of the first pixel's outer corner, and the width and height of a pixel. The height
    // is negative if north is up.
    std::array<double, 2> corner() const { return band().corner(); }
    std::array<double, 2> spacing() const { return band().spacing(); }
    // The length, in pixels, that must be added to the last column and to the last row. The pixels of a level
    // are shifted up and to the left relative to the ground that they represent, so they end before the file
    // does.
    std::array<double, 2> reach() const { return band().reach(); }

    // Lets the threads decode the first strip, unless a strip has been read already.
    void begin(DecodingThreads& threads);

    // The strips that hold the rows from `first` up to, but not including, `end`. Lets the threads decode the
    // strip that follows. Several threads may call this. Throws std::runtime_error if the file cannot be
    // read, or is damaged in the strips that are decoded.
    Strips read(int first, int end, DecodingThreads& threads);

  private:
    using Decoding = std::shared_future<std::shared_ptr<const Strip>>;

    const RasterLevel& band() const;
    const Decoding& decoding(int strip, DecodingThreads& threads, bool urgent);
    std::shared_ptr<const Strip> decode(int strip);

    std::variant<RasterLevel, JoinedBand> band_;
    int strip_rows_;
    std::mutex mutex_;
    std::map<int, Decoding> strips_;
    // A GDAL dataset is used by one thread at a time.
    std::mutex decoding_mutex_;
};

}  // namespace reading
