#include "classification_filter.hpp"

#include <itkProgressReporter.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace classification {

ClassificationFilter::ClassificationFilter() {
    SetNumberOfRequiredOutputs(4);
    for (unsigned int output = 1; output < 4; ++output) {
        SetNthOutput(output, MakeOutput(output));
    }
}

itk::ProcessObject::DataObjectPointer ClassificationFilter::MakeOutput(DataObjectPointerArraySizeType index) {
    switch (index) {
        case 1:
            return ConfidenceImage::New().GetPointer();
        case 2:
            return ShareImage::New().GetPointer();
        default:
            return LabelImage::New().GetPointer();
    }
}

void ClassificationFilter::SetForest(std::shared_ptr<const fast_forest::Forest> forest) {
    forest_ = std::move(forest);
    Modified();
}

void ClassificationFilter::SetMask(const MaskImage* mask) {
    SetNthInput(1, const_cast<MaskImage*>(mask));
}

const ClassificationFilter::MaskImage* ClassificationFilter::mask() const {
    return GetNumberOfInputs() < 2 ? nullptr : static_cast<const MaskImage*>(itk::ProcessObject::GetInput(1));
}

ClassificationFilter::ConfidenceImage* ClassificationFilter::GetConfidenceOutput() {
    return static_cast<ConfidenceImage*>(itk::ProcessObject::GetOutput(1));
}

ClassificationFilter::ShareImage* ClassificationFilter::GetMarginOutput() {
    return static_cast<ShareImage*>(itk::ProcessObject::GetOutput(2));
}

ClassificationFilter::LabelImage* ClassificationFilter::GetSecondOutput() {
    return static_cast<LabelImage*>(itk::ProcessObject::GetOutput(3));
}

void ClassificationFilter::GenerateOutputInformation() {
    Superclass::GenerateOutputInformation();
    const FeatureImage& image = *GetInput();
    if (image.GetNumberOfComponentsPerPixel() < forest_->features()) {
        itkExceptionMacro(<< "the forest was trained on " << forest_->features()
                          << " features, and the image has " << image.GetNumberOfComponentsPerPixel());
    }
    if (mask() != nullptr && mask()->GetLargestPossibleRegion() != image.GetLargestPossibleRegion()) {
        itkExceptionMacro(<< "the mask is " << mask()->GetLargestPossibleRegion().GetSize()
                          << " pixels, and the image " << image.GetLargestPossibleRegion().GetSize());
    }
}

void ClassificationFilter::ThreadedGenerateData(const OutputImageRegionType& region,
                                                itk::ThreadIdType thread) {
    const FeatureImage& image = *GetInput();
    const std::size_t bands = image.GetNumberOfComponentsPerPixel();
    const std::size_t columns = region.GetSize(0);
    itk::ProgressReporter progress(this, thread, region.GetSize(1));
    std::vector<const float*> pixels;
    std::vector<std::size_t> places;
    std::vector<std::uint32_t> votes(columns * forest_->classes());
    FeatureImage::IndexType start = region.GetIndex();
    for (std::size_t row = 0; row < region.GetSize(1); ++row, ++start[1]) {
        // An image's buffer holds its rows one after the other, and a pixel's features side by side.
        const float* features =
            image.GetBufferPointer() + static_cast<std::size_t>(image.ComputeOffset(start)) * bands;
        const unsigned char* there =
            mask() == nullptr ? nullptr : mask()->GetBufferPointer() + mask()->ComputeOffset(start);
        const auto output = [&](auto* target) {
            auto* values = target->GetBufferPointer() + target->ComputeOffset(start);
            std::fill_n(values, columns, 0);
            return values;
        };
        int* labels = output(GetOutput());
        double* confidences = output(GetConfidenceOutput());
        float* margins = output(GetMarginOutput());
        int* seconds = output(GetSecondOutput());
        pixels.clear();
        places.clear();
        for (std::size_t column = 0; column < columns; ++column) {
            if (there == nullptr || there[column] != 0) {
                pixels.push_back(features + column * bands);
                places.push_back(column);
            }
        }
        forest_->count_votes(pixels.data(), pixels.size(), votes.data());
        for (std::size_t pixel = 0; pixel < pixels.size(); ++pixel) {
            const std::uint32_t* of_pixel = votes.data() + pixel * forest_->classes();
            const std::size_t place = places[pixel];
            labels[place] = forest_->label(pixels[pixel], of_pixel);
            confidences[place] = forest_->share(of_pixel[forest_->winner(of_pixel)]);
            margins[place] = forest_->share(forest_->lead(of_pixel));
            if (forest_->classes() > 1) {
                seconds[place] = forest_->labels()[forest_->runner_up(of_pixel)];
            }
        }
        progress.CompletedPixel();
    }
}

}  // namespace classification
