#include "formula_filter.hpp"

#include <itkImageToImageFilterCommon.h>
#include <itkProgressReporter.h>

#include <cmath>
#include <iomanip>

#include "images/float_image.hpp"
#include "parser.hpp"

namespace formulas {
namespace {

// Whether two images lie in one place, within the tolerance of ITK's own filters.
bool is_in_place(const FormulaFilter::Image& first, const FormulaFilter::Image& second) {
    const double tolerance = itk::ImageToImageFilterCommon::GetGlobalDefaultCoordinateTolerance();
    for (unsigned int axis = 0; axis < 2; ++axis) {
        const double most = std::fabs(first.GetSpacing()[axis]) * tolerance;
        if (std::fabs(first.GetOrigin()[axis] - second.GetOrigin()[axis]) > most ||
            std::fabs(first.GetSpacing()[axis] - second.GetSpacing()[axis]) > most) {
            return false;
        }
    }
    return true;
}

}  // namespace

void FormulaFilter::SetFormula(const std::string& formula, const std::vector<Image::Pointer>& images) {
    std::vector<std::size_t> bands;
    for (const Image::Pointer& one : images) {
        one->UpdateOutputInformation();
        bands.push_back(images::bands(*one));
    }
    program_ = parse(formula, bands);
    for (std::size_t index = 0; index < images.size(); ++index) {
        SetNthInput(static_cast<DataObjectPointerArraySizeType>(index), images[index]);
    }
    Modified();
}

FormulaFilter::Image& FormulaFilter::image(std::size_t index) {
    return *static_cast<Image*>(GetInput(static_cast<DataObjectPointerArraySizeType>(index)));
}

void FormulaFilter::VerifyInputInformation() {
    const Image& first = image(0);
    const auto size = first.GetLargestPossibleRegion().GetSize();
    for (std::size_t index = 1; index < GetNumberOfInputs(); ++index) {
        const Image& other = image(index);
        const auto its_size = other.GetLargestPossibleRegion().GetSize();
        if (its_size != size) {
            itkExceptionMacro(<< "image 1 is " << size[0] << " x " << size[1] << " pixels, and image "
                              << index + 1 << " " << its_size[0] << " x " << its_size[1]);
        }
        if (!is_in_place(first, other)) {
            itkExceptionMacro(<< std::setprecision(12) << "image 1 has its origin at " << first.GetOrigin()
                              << " and pixels of " << first.GetSpacing() << ", and image " << index + 1
                              << " at " << other.GetOrigin() << " and of " << other.GetSpacing());
        }
    }
}

void FormulaFilter::GenerateInputRequestedRegion() {
    for (std::size_t index = 0; index < GetNumberOfInputs(); ++index) {
        image(index).SetRequestedRegion(in_image(image(index), GetOutput()->GetRequestedRegion()));
    }
}

FormulaFilter::OutputImageRegionType FormulaFilter::in_image(const Image& image,
                                                             OutputImageRegionType region) {
    region.SetIndex(region.GetIndex() + (image.GetLargestPossibleRegion().GetIndex() -
                                         GetOutput()->GetLargestPossibleRegion().GetIndex()));
    return region;
}

void FormulaFilter::ThreadedGenerateData(const OutputImageRegionType& region, itk::ThreadIdType thread) {
    itk::ProgressReporter progress(this, thread, region.GetSize(1));
    Evaluation evaluation(program_);
    std::vector<Evaluation::Row> rows(program_.bands.size());
    OutputImageRegionType row = region;
    for (std::size_t number = 0; number < region.GetSize(1); ++number) {
        row.SetIndex(1, region.GetIndex(1) + static_cast<itk::IndexValueType>(number));
        for (std::size_t band = 0; band < rows.size(); ++band) {
            const Image& from = image(program_.bands[band].image);
            rows[band] = {images::pixel(from, in_image(from, row).GetIndex()) + program_.bands[band].band,
                          images::bands(from)};
        }
        evaluation.evaluate(rows, region.GetSize(0),
                            GetOutput()->GetBufferPointer() + GetOutput()->ComputeOffset(row.GetIndex()));
        progress.CompletedPixel();
    }
}

}  // namespace formulas
