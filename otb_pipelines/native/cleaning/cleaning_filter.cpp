#include "cleaning_filter.hpp"

#include <itkImageAlgorithm.h>
#include <itkImageRegionConstIterator.h>
#include <itkImageRegionIterator.h>
#include <otbNeighborhoodMajorityVotingImageFilter.h>

#include <algorithm>

#include "sliding_median.hpp"

namespace cleaning {
namespace {

using Region = itk::ImageRegion<2>;

// The image's pixels in a region that may reach beyond it, where its edge is replicated.
Grid replicated(const CleaningFilter::ConfidenceImage& image, const Region& region, double certain) {
    const Region whole = image.GetLargestPossibleRegion();
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
            grid.values.push_back(static_cast<float>(image.GetPixel(at) / certain));
        }
    }
    return grid;
}

}  // namespace

CleaningFilter::CleaningFilter() {
    SetNumberOfRequiredOutputs(3);
    for (unsigned int output = 1; output < 3; ++output) {
        SetNthOutput(output, MakeOutput(output));
    }
}

itk::ProcessObject::DataObjectPointer CleaningFilter::MakeOutput(DataObjectPointerArraySizeType index) {
    if (index == 0) {
        return LabelImage::New().GetPointer();
    }
    return ShareImage::New().GetPointer();
}

void CleaningFilter::SetConfidence(const ConfidenceImage* confidence) {
    SetNthInput(1, const_cast<ConfidenceImage*>(confidence));
}

const CleaningFilter::ConfidenceImage* CleaningFilter::confidence() const {
    return GetNumberOfInputs() < 2 ? nullptr
                                   : static_cast<const ConfidenceImage*>(itk::ProcessObject::GetInput(1));
}

CleaningFilter::ShareImage* CleaningFilter::GetConfidenceOutput() {
    return static_cast<ShareImage*>(itk::ProcessObject::GetOutput(1));
}

CleaningFilter::ShareImage* CleaningFilter::GetMedianOutput() {
    return static_cast<ShareImage*>(itk::ProcessObject::GetOutput(2));
}

void CleaningFilter::GenerateInputRequestedRegion() {
    Superclass::GenerateInputRequestedRegion();
    Region region = GetOutput()->GetRequestedRegion();
    region.PadByRadius(std::max(m_MajorityRadius, m_MedianRadius));
    for (unsigned int input = 0; input < GetNumberOfInputs(); ++input) {
        auto* image = static_cast<itk::ImageBase<2>*>(itk::ProcessObject::GetInput(input));
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
}

void CleaningFilter::generate_labels() {
    LabelImage* target = GetOutput();
    const Region region = target->GetRequestedRegion();
    // Cut off from what made it, so that the filter within asks nothing of it.
    const LabelImage::Pointer labels = LabelImage::New();
    labels->Graft(GetInput());
    if (m_MajorityRadius == 0) {
        itk::ImageAlgorithm::Copy(labels.GetPointer(), target, region, region);
        return;
    }
    using Majority = otb::NeighborhoodMajorityVotingImageFilter<LabelImage>;
    const Majority::Pointer majority = Majority::New();
    Majority::KernelType ball;
    Majority::RadiusType radius;
    radius.Fill(m_MajorityRadius);
    ball.SetRadius(radius);
    ball.CreateStructuringElement();
    majority->SetInput(labels);
    majority->SetKernel(ball);
    majority->SetLabelForNoDataPixels(m_NoDataLabel);
    majority->SetKeepOriginalLabelBool(true);
    majority->GetOutput()->SetRequestedRegion(region);
    majority->Update();
    itk::ImageAlgorithm::Copy(majority->GetOutput(), target, region, region);
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
    const Grid smooth =
        sliding_median(replicated(*confidence(), around, m_CertainConfidence), m_MedianRadius);
    itk::ImageRegionIterator<ShareImage> to(target, region);
    for (const float value : smooth.values) {
        to.Set(value);
        ++to;
    }
}

}  // namespace cleaning
