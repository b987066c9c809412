#include "decoded_file.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace reading {
namespace {

// The least rows of a strip: smaller blocks are decoded together.
constexpr int least_rows = 128;

// Of a strip. As floats they take 2 GB; a file may state any number.
constexpr std::int64_t most_pixels = 1L << 29;

// Erases the files that nobody reads any more, so that the map does not grow with every file of a process.
template <class Files>
void forget_closed(Files& files) {
    for (auto file = files.begin(); file != files.end();) {
        file = file->second.expired() ? files.erase(file) : std::next(file);
    }
}

std::variant<RasterLevel, JoinedBand> opened(const std::vector<BandFile>& files, int level) {
    if (files.size() == 1 && files.front().shift == 0) {
        return RasterLevel(files.front().path, level);
    }
    return JoinedBand(files, level);
}

}  // namespace

std::shared_ptr<DecodedFile> DecodedFile::open(const std::vector<BandFile>& files, int level) {
    static std::mutex mutex;
    static std::map<std::pair<std::vector<BandFile>, int>, std::weak_ptr<DecodedFile>> open_files;
    const std::lock_guard lock(mutex);
    forget_closed(open_files);
    const std::pair key(files, level);
    if (const auto known = open_files.find(key); known != open_files.end()) {
        if (std::shared_ptr<DecodedFile> file = known->second.lock(); file != nullptr) {
            return file;
        }
    }
    auto file = std::make_shared<DecodedFile>(files, level);
    open_files[key] = file;
    return file;
}

DecodedFile::DecodedFile(const std::vector<BandFile>& files, int level) : band_(opened(files, level)) {
    const auto* joined = std::get_if<JoinedBand>(&band_);
    const auto [width, height] = joined != nullptr ? joined->tile() : band().block();
    // Of blocks of fewer rows several make a strip.
    strip_rows_ = height >= least_rows ? height : height * ((least_rows + height - 1) / height);
    if (std::int64_t{strip_rows_} * columns() > most_pixels) {
        throw std::runtime_error(band().path() + ": is stored in blocks of " + std::to_string(width) + " x " +
                                 std::to_string(height) + " pixels, which are too large; store it in tiles");
    }
}

const RasterLevel& DecodedFile::band() const {
    const auto* joined = std::get_if<JoinedBand>(&band_);
    return joined != nullptr ? joined->first() : std::get<RasterLevel>(band_);
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
    const int rows = std::min(strip_rows_, this->rows() - first);
    if (const auto* joined = std::get_if<JoinedBand>(&band_)) {
        return std::make_shared<Strip>(Strip{first, rows, joined->read(first, rows)});
    }
    const Window window{0, first, columns(), rows};
    if (band().has_whole_numbers()) {
        return std::make_shared<Strip>(Strip{first, rows, band().read<std::uint16_t>(window, GDT_UInt16)});
    }
    return std::make_shared<Strip>(Strip{first, rows, band().read<float>(window, GDT_Float32)});
}

}  // namespace reading
