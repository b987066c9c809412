#include "formula_filter.hpp"

#include <itkImageToImageFilterCommon.h>
#include <itkProgressReporter.h>
#include <otbVectorImage.h>

#include <cmath>
#include <iomanip>

#include "parser.hpp"

namespace formulas {
namespace {

using SingleImage = otb::Image<float, 2>;
using VectorImage = otb::VectorImage<float, 2>;

std::size_t bands_of(const FormulaFilter::Image& image) {
    const auto* vector = dynamic_cast<const VectorImage*>(&image);
    return vector == nullptr ? 1 : vector->GetNumberOfComponentsPerPixel();
}

// Of an image of several bands, these lie side by side.
Evaluation::Row row_of(const FormulaFilter::Image& image, const itk::Index<2>& first, std::size_t band) {
    const auto offset = static_cast<std::size_t>(image.ComputeOffset(first));
    if (const auto* vector = dynamic_cast<const VectorImage*>(&image)) {
        const std::size_t bands = vector->GetNumberOfComponentsPerPixel();
        return {vector->GetBufferPointer() + offset * bands + band, bands};
    }
    return {static_cast<const SingleImage&>(image).GetBufferPointer() + offset, 1};
}

// Whether two images lie in one place, as exactly as ITK's own filters want it.
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

bool FormulaFilter::accepts(const Image& image) {
    return dynamic_cast<const SingleImage*>(&image) != nullptr ||
           dynamic_cast<const VectorImage*>(&image) != nullptr;
}

void FormulaFilter::SetFormula(const std::string& formula, const std::vector<Image::Pointer>& images) {
    std::vector<std::size_t> bands;
    for (const Image::Pointer& one : images) {
        one->UpdateOutputInformation();
        bands.push_back(bands_of(*one));
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
            rows[band] = row_of(from, in_image(from, row).GetIndex(), program_.bands[band].band);
        }
        evaluation.evaluate(rows, region.GetSize(0),
                            GetOutput()->GetBufferPointer() + GetOutput()->ComputeOffset(row.GetIndex()));
        progress.CompletedPixel();
    }
}

}  // namespace formulas
