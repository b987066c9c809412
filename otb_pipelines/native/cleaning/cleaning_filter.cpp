#include "cleaning_filter.hpp"

#include <itkImageAlgorithm.h>
#include <itkImageRegionConstIterator.h>
#include <itkImageRegionIterator.h>

#include <algorithm>
#include <limits>

#include "majority_vote.hpp"
#include "sliding_median.hpp"

namespace cleaning {
namespace {

using Region = itk::ImageRegion<2>;

// The image's pixels in a region that may reach beyond it, where its edge is replicated; NaN where there is
// no data.
Grid replicated(const CleaningFilter::ConfidenceImage& image, const CleaningFilter::LabelImage& labels,
                int no_data, const Region& region, double certain) {
    const Region& whole = image.GetLargestPossibleRegion();
    const auto clamped = [&](unsigned int axis, itk::IndexValueType at) {
        const itk::IndexValueType first = whole.GetIndex(axis);
        return std::clamp(at, first, first + static_cast<itk::IndexValueType>(whole.GetSize(axis)) - 1);
    };
    Grid grid{region.GetSize(1), region.GetSize(0), {}};
    grid.values.reserve(grid.rows * grid.columns);
    for (std::size_t row = 0; row < grid.rows; ++row) {
        for (std::size_t column = 0; column < grid.columns; ++column) {
            const CleaningFilter::ConfidenceImage::IndexType at{
                {clamped(0, region.GetIndex(0) + static_cast<itk::IndexValueType>(column)),
                 clamped(1, region.GetIndex(1) + static_cast<itk::IndexValueType>(row))}};
            grid.values.push_back(labels.GetPixel(at) == no_data
                                      ? std::numeric_limits<float>::quiet_NaN()
                                      : static_cast<float>(image.GetPixel(at) / certain));
        }
    }
    return grid;
}

}  // namespace

CleaningFilter::CleaningFilter() {
    SetNumberOfRequiredOutputs(5);
    for (unsigned int output = 1; output < 5; ++output) {
        SetNthOutput(output, MakeOutput(output));
    }
}

itk::ProcessObject::DataObjectPointer CleaningFilter::MakeOutput(DataObjectPointerArraySizeType index) {
    if (index == 0 || index == 4) {
        return LabelImage::New().GetPointer();
    }
    return ShareImage::New().GetPointer();
}

void CleaningFilter::SetConfidence(const ConfidenceImage* confidence) {
    SetNthInput(1, const_cast<ConfidenceImage*>(confidence));
}

void CleaningFilter::SetMargin(const ShareImage* margin) {
    SetNthInput(2, const_cast<ShareImage*>(margin));
}

void CleaningFilter::SetSecond(const LabelImage* second) {
    SetNthInput(3, const_cast<LabelImage*>(second));
}

template <class Image>
const Image* CleaningFilter::input(unsigned int index) const {
    return index < GetNumberOfInputs() ? static_cast<const Image*>(itk::ProcessObject::GetInput(index))
                                       : nullptr;
}

CleaningFilter::ShareImage* CleaningFilter::GetConfidenceOutput() {
    return static_cast<ShareImage*>(itk::ProcessObject::GetOutput(1));
}

CleaningFilter::ShareImage* CleaningFilter::GetMedianOutput() {
    return static_cast<ShareImage*>(itk::ProcessObject::GetOutput(2));
}

CleaningFilter::ShareImage* CleaningFilter::GetMarginOutput() {
    return static_cast<ShareImage*>(itk::ProcessObject::GetOutput(3));
}

CleaningFilter::LabelImage* CleaningFilter::GetSecondOutput() {
    return static_cast<LabelImage*>(itk::ProcessObject::GetOutput(4));
}

void CleaningFilter::GenerateInputRequestedRegion() {
    Superclass::GenerateInputRequestedRegion();
    Region region = GetOutput()->GetRequestedRegion();
    region.PadByRadius(std::max(m_MajorityRadius, m_MedianRadius));
    for (unsigned int index = 0; index < GetNumberOfInputs(); ++index) {
        auto* image = static_cast<itk::ImageBase<2>*>(itk::ProcessObject::GetInput(index));
        Region cropped = region;
        cropped.Crop(image->GetLargestPossibleRegion());
        image->SetRequestedRegion(cropped);
    }
}

void CleaningFilter::GenerateData() {
    AllocateOutputs();
    generate_labels();
    if (confidence() != nullptr) {
        generate_confidence();
        generate_median();
    }
    const Region region = GetOutput()->GetRequestedRegion();
    if (const auto* margin = input<ShareImage>(2)) {
        itk::ImageAlgorithm::Copy(margin, GetMarginOutput(), region, region);
    }
    if (const auto* second = input<LabelImage>(3)) {
        itk::ImageAlgorithm::Copy(second, GetSecondOutput(), region, region);
    }
}

void CleaningFilter::generate_labels() {
    LabelImage* target = GetOutput();
    if (m_MajorityRadius == 0) {
        const Region region = target->GetRequestedRegion();
        itk::ImageAlgorithm::Copy(GetInput(), target, region, region);
        return;
    }
    majority_vote(*GetInput(), m_MajorityRadius, m_NoDataLabel, *target);
}

void CleaningFilter::generate_confidence() {
    ShareImage* target = GetConfidenceOutput();
    const Region region = target->GetRequestedRegion();
    itk::ImageRegionConstIterator<ConfidenceImage> from(confidence(), region);
    itk::ImageRegionIterator<ShareImage> to(target, region);
    for (; !to.IsAtEnd(); ++from, ++to) {
        to.Set(static_cast<float>(from.Get() / m_CertainConfidence));
    }
}

void CleaningFilter::generate_median() {
    ShareImage* target = GetMedianOutput();
    const Region region = target->GetRequestedRegion();
    Region around = region;
    around.PadByRadius(m_MedianRadius);
    const LabelImage& labels = *GetInput();
    const Grid smooth = sliding_median(
        replicated(*confidence(), labels, m_NoDataLabel, around, m_CertainConfidence), m_MedianRadius);
    itk::ImageRegionConstIterator<LabelImage> label(&labels, region);
    itk::ImageRegionIterator<ShareImage> to(target, region);
    for (const float value : smooth.values) {
        to.Set(label.Get() == m_NoDataLabel ? 0 : value);
        ++label;
        ++to;
    }
}

}  // namespace cleaning
