#include "raster_level.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

namespace reading {
namespace {

// Keeps GDAL from printing its errors, which are thrown instead, and keeps the decoder's messages about
// code-blocks.
class QuietErrors {
  public:
    QuietErrors() {
        CPLPushErrorHandlerEx(note, &damage_);
        CPLErrorReset();
    }
    ~QuietErrors() { CPLPopErrorHandler(); }
    QuietErrors(const QuietErrors&) = delete;
    QuietErrors& operator=(const QuietErrors&) = delete;

    const std::optional<std::string>& damage() const { return damage_.first(); }

  private:
    static void note(CPLErr /*severity*/, CPLErrorNum /*number*/, const char* message) {
        static_cast<CodeBlockDamage*>(CPLGetErrorHandlerUserData())->note(message);
    }

    CodeBlockDamage damage_;
};

// Bands of products, rasters that the caller has made, and virtual rasters of files that it has looked at.
// Any other driver may take a file for the description of a server, and ask that server.
constexpr std::array<const char*, 7> drivers{"JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID",
                                             "GTiff",       "VRT",    nullptr};

GDALDataset* opened(const std::string& path) {
    return static_cast<GDALDataset*>(
        GDALOpenEx(path.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, drivers.data(), nullptr, nullptr));
}

std::runtime_error unreadable(const std::string& path) {
    return std::runtime_error(path + ": cannot be read (" + CPLGetLastErrorMsg() + ")");
}

}  // namespace

RasterLevel::RasterLevel(const std::string& path, int level) : path_(path) {
    const QuietErrors quiet;
    // GDAL may not have been used yet in this process.
    GDALAllRegister();
    dataset_.reset(opened(path));
    if (dataset_ == nullptr || dataset_->GetRasterCount() == 0) {
        throw unreadable(path);
    }
    std::array<double, 6> transform{};
    if (dataset_->GetGeoTransform(transform.data()) != CE_None || transform[2] != 0 || transform[4] != 0) {
        throw std::runtime_error(path + ": is not georeferenced, or rotated");
    }
    if (EQUAL(dataset_->GetDriverName(), "JP2OpenJPEG")) {
        open_copy();
    }
    band_ = dataset_->GetRasterBand(1);
    if (level > 0) {
        band_ = band_->GetOverview(level - 1);
        if (band_ == nullptr) {
            throw std::runtime_error(path + ": has no level " + std::to_string(level));
        }
    }
    place(transform[0], transform[1], dataset_->GetRasterXSize(), level, 0);
    place(transform[3], transform[5], dataset_->GetRasterYSize(), level, 1);
}

void RasterLevel::open_copy() {
    auto copy = std::make_unique<CheckedCopy>(path_);
    if (copy->path().empty()) {
        return;
    }
    decode_in_calling_thread();
    std::unique_ptr<GDALDataset, Closing> dataset(opened(copy->path()));
    if (dataset == nullptr || dataset->GetRasterXSize() != dataset_->GetRasterXSize() ||
        dataset->GetRasterYSize() != dataset_->GetRasterYSize() || dataset->GetRasterCount() == 0) {
        throw unreadable(path_);
    }
    dataset_ = std::move(dataset);
    copy_ = std::move(copy);
}

void RasterLevel::place(double corner, double spacing, int size, int level, std::size_t dimension) {
    const double of_level = spacing * std::exp2(level);
    // A level keeps every second sample, beginning with the first one. Therefore the centre of a level's
    // first pixel is the centre of the file's first pixel.
    const double shift = (of_level - spacing) / 2;
    const int of_band = dimension == 0 ? columns() : rows();
    spacing_[dimension] = of_level;
    corner_[dimension] = corner - shift;
    reach_[dimension] = std::max(0.0, (size * spacing + shift) / of_level - of_band);
}

std::array<int, 2> RasterLevel::block() const {
    int width = 0;
    int height = 0;
    band_->GetBlockSize(&width, &height);
    return {width, height};
}

bool RasterLevel::has_whole_numbers() const {
    const GDALDataType type = band_->GetRasterDataType();
    return type == GDT_UInt16 || type == GDT_Byte;
}

template <class Pixel>
std::vector<Pixel> RasterLevel::read(const Window& window, GDALDataType type) const {
    const QuietErrors quiet;
    std::vector<Pixel> pixels(static_cast<std::size_t>(window.rows) *
                              static_cast<std::size_t>(window.columns));
    const CPLErr error = band_->RasterIO(GF_Read, window.column, window.row, window.columns, window.rows,
                                         pixels.data(), window.columns, window.rows, type, 0, 0, nullptr);
    if (error != CE_None) {
        throw unreadable(path_);
    }
    if (quiet.damage()) {
        throw std::runtime_error(path_ + ": is damaged: " + *quiet.damage() + ", in the rows " +
                                 std::to_string(window.row) + " to " +
                                 std::to_string(window.row + window.rows - 1));
    }
    // Each block is read once. Keeping it in GDAL's cache as well would only cost memory.
    band_->FlushCache(false);
    return pixels;
}

template std::vector<std::uint16_t> RasterLevel::read(const Window& window, GDALDataType type) const;
template std::vector<float> RasterLevel::read(const Window& window, GDALDataType type) const;

}  // namespace reading
