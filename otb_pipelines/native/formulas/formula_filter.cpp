#include "formula_filter.hpp"

#include <itkProgressReporter.h>
#include <otbVectorImage.h>

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

void FormulaFilter::GenerateOutputInformation() {
    Superclass::GenerateOutputInformation();
    const auto size = image(0).GetLargestPossibleRegion().GetSize();
    for (std::size_t index = 1; index < GetNumberOfInputs(); ++index) {
        const auto other = image(index).GetLargestPossibleRegion().GetSize();
        if (other != size) {
            itkExceptionMacro(<< "image 1 is " << size[0] << " x " << size[1] << " pixels, and image "
                              << index + 1 << " " << other[0] << " x " << other[1]);
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
