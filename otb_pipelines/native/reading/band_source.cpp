#include "band_source.hpp"

#include <array>
#include <exception>

namespace reading {
namespace {

std::array<Axis, 2> axes(const otb::Image<float, 2>& image, const DecodedFile& file) {
    const auto axis = [&](unsigned int dimension, int size) {
        // OTB's origin is the centre of a pixel.
        const double spacing = image.GetSignedSpacing()[dimension];
        const double corner = image.GetOrigin()[dimension] - spacing / 2;
        const double of_file = file.spacing()[dimension];
        return Axis{(corner - file.corner()[dimension]) / of_file, spacing / of_file, size,
                    file.reach()[dimension]};
    };
    return {axis(0, file.columns()), axis(1, file.rows())};
}

Range range(const itk::ImageRegion<2>& region, unsigned int dimension) {
    const auto begin = static_cast<int>(region.GetIndex(dimension));
    return {begin, begin + static_cast<int>(region.GetSize(dimension))};
}

}  // namespace

void BandSource::SetFiles(const std::vector<BandFile>& files, int level, int threads) {
    try {
        file_ = DecodedFile::open(files, level);
        threads_ = DecodingThreads::shared(threads);
    } catch (const std::exception& error) {
        itkExceptionMacro(<< error.what());
    }
    file_->begin(*threads_);
}

void BandSource::GenerateOutputInformation() {
    likeness_->UpdateOutputInformation();
    otb::Image<float, 2>& output = *GetOutput();
    output.CopyInformation(likeness_);
    output.SetNumberOfComponentsPerPixel(1);
    for (const Axis& axis : axes(output, *file_)) {
        if (axis.ratio <= 0) {
            itkExceptionMacro(<< "the grid and the file do not point the same way");
        }
    }
}

void BandSource::BeforeThreadedGenerateData() {
    const OutputImageRegionType region = GetOutput()->GetRequestedRegion();
    const auto [columns, rows] = axes(*GetOutput(), *file_);
    const Range needed = file_range(taps(rows, method(columns), range(region, 1)));
    if (needed.end <= needed.begin) {
        return;
    }
    try {
        strips_ = file_->read(needed.begin, needed.end, *threads_);
    } catch (const std::exception& error) {
        itkExceptionMacro(<< error.what());
    }
}

void BandSource::ThreadedGenerateData(const OutputImageRegionType& region, itk::ThreadIdType) {
    otb::Image<float, 2>& output = *GetOutput();
    const auto [columns, rows] = axes(output, *file_);
    const Resampling resampling(columns, rows, method(columns), radiometry_, range(region, 0));
    for (int row = range(region, 1).begin; row < range(region, 1).end; ++row) {
        resampling.make(row, strips_,
                        output.GetBufferPointer() + output.ComputeOffset({{region.GetIndex(0), row}}));
    }
}

void BandSource::AfterThreadedGenerateData() {
    strips_.clear();
}

Method BandSource::method(const Axis& columns) const {
    return nearest_ ? Method::nearest : smooth_method(columns);
}

}  // namespace reading
