#include "strip_writer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include "images/float_image.hpp"

namespace writing {
namespace {

constexpr int overview_rows = 64;

// Keeps the first error of GDAL in this thread, for as long as it lives. Warnings are dropped: none
// matters once a file is written.
class FirstError {
  public:
    FirstError() { CPLPushErrorHandlerEx(&take, this); }
    ~FirstError() { CPLPopErrorHandler(); }
    FirstError(const FirstError&) = delete;
    FirstError& operator=(const FirstError&) = delete;

    const std::string& message() const { return message_; }

  private:
    static void CPL_STDCALL take(CPLErr kind, CPLErrorNum /*number*/, const char* message) {
        std::string& first = static_cast<FirstError*>(CPLGetErrorHandlerUserData())->message_;
        if (kind == CE_Failure && first.empty()) {
            first = message;
        }
    }

    std::string message_;
};

int factor_of(GDALRasterBand& from, GDALRasterBand& to) {
    return static_cast<int>(std::lround(static_cast<double>(from.GetXSize()) / to.GetXSize()));
}

Rows make(StripWriter::Image& image, const itk::ImageRegion<2>& region) {
    image.SetRequestedRegion(region);
    image.PropagateRequestedRegion();
    image.UpdateOutputData();
    return {region.GetSize(0), region.GetSize(1), images::pixel(image, region.GetIndex()),
            image.GetBufferedRegion().GetSize(0)};
}

void describe(GDALDataset& dataset, GDALDataset& like) {
    std::array<double, 6> transform{};
    if (like.GetGeoTransform(transform.data()) == CE_None) {
        dataset.SetGeoTransform(transform.data());
    }
    dataset.SetSpatialRef(like.GetSpatialRef());
    for (int number = 1; number <= like.GetRasterCount(); ++number) {
        GDALRasterBand& from = *like.GetRasterBand(number);
        GDALRasterBand& band = *dataset.GetRasterBand(number);
        band.SetDescription(from.GetDescription());
        int there = 0;
        const double no_data = from.GetNoDataValue(&there);
        if (there != 0) {
            band.SetNoDataValue(no_data);
        }
        const double scale = from.GetScale(&there);
        if (there != 0) {
            band.SetScale(scale);
        }
    }
}

// Of such a file a block holds all bands.
bool is_pixel_interleaved(GDALDataset& dataset) {
    const char* interleave = dataset.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
    return interleave != nullptr && std::string(interleave) == "PIXEL";
}

// The writers of the bands of a file and of its overviews, in the order of the overviews.
std::vector<BlockWriter> writers(GDALDataset& dataset) {
    const bool interleaved = dataset.GetRasterCount() > 1 && is_pixel_interleaved(dataset);
    std::vector<BlockWriter> levels;
    for (int level = -1; level < dataset.GetRasterBand(1)->GetOverviewCount(); ++level) {
        std::vector<GDALRasterBand*> bands;
        for (GDALRasterBand* band : dataset.GetBands()) {
            bands.push_back(level < 0 ? band : band->GetOverview(level));
        }
        levels.emplace_back(bands, interleaved);
    }
    return levels;
}

// The value for NaN in a band: NaN itself, or in bands of whole numbers the no-data value, or 0. For NaN,
// GDAL would write 0 or the least value, depending on how many pixels it writes at a time.
float nan_in(GDALRasterBand& band) {
    if (GDALDataTypeIsInteger(band.GetRasterDataType()) == 0) {
        return std::numeric_limits<float>::quiet_NaN();
    }
    int there = 0;
    const double no_data = band.GetNoDataValue(&there);
    return there != 0 ? static_cast<float>(no_data) : 0.0F;
}

// The least and the greatest value that a band of whole numbers holds, before it is rounded. The number that
// means no data is not one of them.
struct Range {
    float least;
    float greatest;
};

Range range_of(GDALRasterBand& band) {
    double least = 0;
    double greatest = 0;
    switch (band.GetRasterDataType()) {
        case GDT_Byte:
            greatest = std::numeric_limits<std::uint8_t>::max();
            break;
        case GDT_Int16:
            least = std::numeric_limits<std::int16_t>::lowest();
            greatest = std::numeric_limits<std::int16_t>::max();
            break;
        case GDT_UInt16:
            greatest = std::numeric_limits<std::uint16_t>::max();
            break;
        default:
            return {std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()};
    }
    int there = 0;
    const double no_data = band.GetNoDataValue(&there);
    if (there != 0 && no_data == least) {
        ++least;
    }
    return {static_cast<float>(least), static_cast<float>(greatest)};
}

// Values for a band of whole numbers: without NaN, and within its range. Counts those that were beyond.
std::vector<float> storable(const Rows& rows, float substitute, const Range& range, std::size_t& clipped) {
    constexpr float half = 0.5F;
    std::vector<float> values;
    values.reserve(rows.columns * rows.count);
    std::size_t beyond = 0;
    for (std::size_t row = 0; row < rows.count; ++row) {
        const float* first = rows.values + row * rows.stride;
        std::transform(first, first + rows.columns, std::back_inserter(values), [&](float value) {
            if (std::isnan(value)) {
                return substitute;
            }
            beyond += static_cast<std::size_t>(value < range.least - half || value > range.greatest + half);
            return std::clamp(value, range.least, range.greatest);
        });
    }
    clipped += beyond;
    return values;
}

}  // namespace

void StripWriter::AddFile(const std::string& path, const std::string& likeness,
                          const std::vector<std::string>& options, const std::vector<int>& overviews) {
    constexpr std::array<const char*, 3> drivers{"GTiff", "VRT", nullptr};
    const Dataset like(static_cast<GDALDataset*>(GDALOpenEx(
        likeness.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, drivers.data(), nullptr, nullptr)));
    if (like == nullptr) {
        itkExceptionMacro(<< likeness << ": cannot be opened");
    }
    CPLStringList listed;
    for (const std::string& option : options) {
        listed.AddString(option.c_str());
    }
    GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
    if (driver == nullptr) {
        itkExceptionMacro(<< "GDAL has no driver GTiff");
    }
    const int bands = like->GetRasterCount();
    File file{path, nullptr, {}, {}, {}};
    file.dataset.reset(driver->Create(path.c_str(), like->GetRasterXSize(), like->GetRasterYSize(), bands,
                                      like->GetRasterBand(1)->GetRasterDataType(), listed.List()));
    if (file.dataset == nullptr) {
        itkExceptionMacro(<< path << ": cannot be made (" << CPLGetLastErrorMsg() << ")");
    }
    describe(*file.dataset, *like);
    if (!overviews.empty()) {
        check(file,
              file.dataset->BuildOverviews("NONE", static_cast<int>(overviews.size()),
                                           const_cast<int*>(overviews.data()), 0, nullptr, nullptr, nullptr));
    }
    file.levels = writers(*file.dataset);
    files_.push_back(std::move(file));
}

void StripWriter::AddLayer(Image* image) {
    File& file = files_.back();
    image->UpdateOutputInformation();
    const auto size = image->GetLargestPossibleRegion().GetSize();
    if (static_cast<int>(size[0]) != file.dataset->GetRasterXSize() ||
        static_cast<int>(size[1]) != file.dataset->GetRasterYSize()) {
        itkExceptionMacro(<< file.path << " is " << file.dataset->GetRasterXSize() << " x "
                          << file.dataset->GetRasterYSize() << " pixels, and image " << file.layers.size() + 1
                          << " " << size[0] << " x " << size[1]);
    }
    if (!images::is_float(*image) || images::bands(*image) != 1) {
        itkExceptionMacro(<< file.path << ": image " << file.layers.size() + 1
                          << " is not one of single floats");
    }
    file.layers.emplace_back(image);
    file.clipped.push_back(0);
}

void StripWriter::Write() {
    int least = files_.front().dataset->GetRasterYSize();
    for (const File& file : files_) {
        if (static_cast<int>(file.layers.size()) != file.dataset->GetRasterCount()) {
            itkExceptionMacro(<< file.path << " has " << file.dataset->GetRasterCount() << " bands, and "
                              << file.layers.size() << " images go there");
        }
        least = std::min(least, file.dataset->GetRasterYSize());
    }
    for (int first = 0; first < least; first += rows_) {
        const int end = std::min(first + rows_, least);
        for (File& file : files_) {
            const auto row = [&](long of_least) {
                return static_cast<int>(of_least * file.dataset->GetRasterYSize() / least);
            };
            write_strip(file, row(first), row(end) - row(first));
            if (GetAbortGenerateData()) {
                throw itk::ProcessAborted(__FILE__, __LINE__);
            }
        }
        UpdateProgress(static_cast<float>(end) / static_cast<float>(least));
    }
    for (File& file : files_) {
        write_smaller_overviews(file);
        file.layers.clear();
    }
    close_all();
}

// GDAL writes the remaining data when a file is closed, and reports failures only to its error handler.
void StripWriter::close_all() {
    std::string failures;
    for (File& file : files_) {
        const FirstError error;
        for (std::size_t number = 0; number < file.clipped.size(); ++number) {
            if (file.clipped[number] > 0) {
                file.dataset->GetRasterBand(static_cast<int>(number) + 1)
                    ->SetMetadataItem("CLIPPED", std::to_string(file.clipped[number]).c_str());
            }
        }
        file.dataset.reset();
        if (!error.message().empty()) {
            failures +=
                (failures.empty() ? "" : "; ") + file.path + ": cannot be written (" + error.message() + ")";
        }
    }
    if (!failures.empty()) {
        itkExceptionMacro(<< failures);
    }
}

void StripWriter::write_strip(File& file, int first, int rows) {
    itk::ImageRegion<2> region;
    region.SetIndex({{0, first}});
    region.SetSize({{static_cast<itk::SizeValueType>(file.dataset->GetRasterXSize()),
                     static_cast<itk::SizeValueType>(rows)}});
    for (std::size_t number = 0; number < file.layers.size(); ++number) {
        GDALRasterBand& band = *file.dataset->GetRasterBand(static_cast<int>(number) + 1);
        Rows made = make(*file.layers[number], region);
        std::vector<float> numbers;
        if (const float substitute = nan_in(band); !std::isnan(substitute)) {
            numbers = storable(made, substitute, range_of(band), file.clipped[number]);
            made = {made.columns, made.count, numbers.data(), made.columns};
        }
        check(file, file.levels[0].add(number, made));
        if (file.levels.size() > 1) {
            const int factor = factor_of(band, *band.GetOverview(0));
            const std::vector<float> means = averaged(made, static_cast<std::size_t>(factor));
            const auto columns = static_cast<std::size_t>(band.GetOverview(0)->GetXSize());
            check(file, file.levels[1].add(number, {columns, means.size() / columns, means.data(), columns}));
        }
    }
}

void StripWriter::check(const File& file, CPLErr error) const {
    if (error != CE_None) {
        itkExceptionMacro(<< file.path << ": cannot be written or read (" << CPLGetLastErrorMsg() << ")");
    }
}

void StripWriter::write_smaller_overviews(File& file) {
    for (std::size_t level = 2; level < file.levels.size(); ++level) {
        for (std::size_t number = 0; number < file.layers.size(); ++number) {
            GDALRasterBand& band = *file.dataset->GetRasterBand(static_cast<int>(number) + 1);
            GDALRasterBand& from = *band.GetOverview(static_cast<int>(level) - 2);
            GDALRasterBand& to = *band.GetOverview(static_cast<int>(level) - 1);
            const int factor = factor_of(from, to);
            const auto columns = static_cast<std::size_t>(from.GetXSize());
            std::vector<float> values(columns * static_cast<std::size_t>(overview_rows * factor));
            for (int first = 0; first < to.GetYSize(); first += overview_rows) {
                const int rows = std::min(overview_rows * factor, from.GetYSize() - first * factor);
                check(file, from.RasterIO(GF_Read, 0, first * factor, from.GetXSize(), rows, values.data(),
                                          from.GetXSize(), rows, GDT_Float32, 0, 0, nullptr));
                const std::vector<float> means =
                    averaged({columns, static_cast<std::size_t>(rows), values.data(), columns},
                             static_cast<std::size_t>(factor));
                const auto fewer = static_cast<std::size_t>(to.GetXSize());
                check(file,
                      file.levels[level].add(number, {fewer, means.size() / fewer, means.data(), fewer}));
            }
        }
    }
}

}  // namespace writing
