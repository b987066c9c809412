#include "decoded_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace reading {
namespace {

// A strip has at least so many rows: smaller blocks are decoded together.
constexpr int least_rows = 128;

// Of a strip. As floats they take 2 GB; a file may say that it has any number.
constexpr std::int64_t most_pixels = 1L << 29;

// Keeps GDAL from printing its errors, which are thrown instead, and notes what the decoder says of
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

// Erases the files that nobody reads any more, so that the map does not grow with every file of a process.
template <class Files>
void forget_closed(Files& files) {
    for (auto file = files.begin(); file != files.end();) {
        file = file->second.expired() ? files.erase(file) : std::next(file);
    }
}

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

std::shared_ptr<DecodedFile> DecodedFile::open(const std::string& path, int level) {
    static std::mutex mutex;
    static std::map<std::pair<std::string, int>, std::weak_ptr<DecodedFile>> open_files;
    const std::lock_guard lock(mutex);
    forget_closed(open_files);
    const std::pair key(path, level);
    if (const auto known = open_files.find(key); known != open_files.end()) {
        if (std::shared_ptr<DecodedFile> file = known->second.lock(); file != nullptr) {
            return file;
        }
    }
    auto file = std::make_shared<DecodedFile>(path, level);
    open_files[key] = file;
    return file;
}

DecodedFile::DecodedFile(const std::string& path, int level) : path_(path) {
    const QuietErrors quiet;
    // GDAL may not have been used yet in this process.
    GDALAllRegister();
    dataset_.reset(opened(path));
    if (dataset_ == nullptr || dataset_->GetRasterCount() == 0) {
        throw unreadable(path);
    }
    std::array<double, 6> transform{};
    const bool by_openjpeg = EQUAL(dataset_->GetDriverName(), "JP2OpenJPEG");
    if (dataset_->GetGeoTransform(transform.data()) != CE_None || transform[2] != 0 || transform[4] != 0) {
        throw std::runtime_error(path + ": is not georeferenced, or rotated");
    }
    if (by_openjpeg) {
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
    int width = 0;
    int height = 0;
    band_->GetBlockSize(&width, &height);
    // Of blocks of fewer rows several make a strip.
    strip_rows_ = height >= least_rows ? height : height * ((least_rows + height - 1) / height);
    if (std::int64_t{strip_rows_} * columns() > most_pixels) {
        throw std::runtime_error(path + ": is stored in blocks of " + std::to_string(width) + " x " +
                                 std::to_string(height) + " pixels, which are too large; store it in tiles");
    }
}

void DecodedFile::open_copy() {
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

void DecodedFile::place(double corner, double spacing, int size, int level, std::size_t dimension) {
    const double of_level = spacing * std::exp2(level);
    // A level keeps every second sample, beginning with the first one. Therefore the centre of a level's
    // first pixel is the centre of the file's first pixel.
    const double shift = (of_level - spacing) / 2;
    const int of_band = dimension == 0 ? columns() : rows();
    spacing_[dimension] = of_level;
    corner_[dimension] = corner - shift;
    reach_[dimension] = std::max(0.0, (size * spacing + shift) / of_level - of_band);
}

void DecodedFile::begin(DecodingThreads& threads) {
    const std::lock_guard lock(mutex_);
    if (strips_.empty()) {
        decoding(0, threads, false);
    }
}

Strips DecodedFile::read(int first, int end, DecodingThreads& threads) {
    const int begin = first / strip_rows_;
    const int last = (end - 1) / strip_rows_;
    std::vector<Decoding> decodings;
    {
        const std::lock_guard lock(mutex_);
        // One strip before the first is kept: a reader that needs a window around its pixels may come back to
        // the rows just above, and a reader on another grid may be a strip behind.
        strips_.erase(strips_.begin(), strips_.lower_bound(begin - 1));
        strips_.erase(strips_.upper_bound(last + 2), strips_.end());
        for (int strip = begin; strip <= last; ++strip) {
            decodings.push_back(decoding(strip, threads, true));
        }
        if ((last + 1) * strip_rows_ < rows()) {
            decoding(last + 1, threads, false);
        }
    }
    Strips strips;
    for (const Decoding& decoding : decodings) {
        strips.push_back(decoding.get());
    }
    return strips;
}

const DecodedFile::Decoding& DecodedFile::decoding(int strip, DecodingThreads& threads, bool urgent) {
    const auto known = strips_.find(strip);
    if (known != strips_.end()) {
        return known->second;
    }
    const auto promise = std::make_shared<std::promise<std::shared_ptr<const Strip>>>();
    const auto job = [file = shared_from_this(), promise, strip] {
        try {
            promise->set_value(file->decode(strip));
        } catch (...) {
            promise->set_exception(std::current_exception());
        }
    };
    threads.add(job, urgent);
    return strips_[strip] = promise->get_future();
}

std::shared_ptr<const Strip> DecodedFile::decode(int strip) {
    const std::lock_guard lock(decoding_mutex_);
    const int first = strip * strip_rows_;
    const int rows = std::min(strip_rows_, band_->GetYSize() - first);
    const GDALDataType type = band_->GetRasterDataType();
    if (type == GDT_UInt16 || type == GDT_Byte) {
        return std::make_shared<Strip>(Strip{first, rows, decode<std::uint16_t>(first, rows, GDT_UInt16)});
    }
    return std::make_shared<Strip>(Strip{first, rows, decode<float>(first, rows, GDT_Float32)});
}

template <class Pixel>
std::vector<Pixel> DecodedFile::decode(int first, int rows, GDALDataType type) {
    const QuietErrors quiet;
    std::vector<Pixel> pixels(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns()));
    const CPLErr error = band_->RasterIO(GF_Read, 0, first, columns(), rows, pixels.data(), columns(), rows,
                                         type, 0, 0, nullptr);
    if (error != CE_None) {
        throw unreadable(path_);
    }
    if (quiet.damage()) {
        throw std::runtime_error(path_ + ": is damaged: " + *quiet.damage() + ", in the rows " +
                                 std::to_string(first) + " to " + std::to_string(first + rows - 1));
    }
    // Each block is read once. Keeping it in GDAL's cache as well would only cost memory.
    band_->FlushCache(false);
    return pixels;
}

}  // namespace reading
