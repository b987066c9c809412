#include "classification_filter.hpp"

#include <itkProgressReporter.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "vote_smoothing.hpp"

namespace classification {
namespace {

// Shares are rounded to 1/200. A confidence map of few different values is small on disk, and its median is
// fast.
constexpr float steps = 200;

}  // namespace

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

void ClassificationFilter::SetSmoothing(double deviation) {
    weights_ = deviation == 0 ? std::vector<float>() : gaussian_weights(deviation);
    Modified();
}

const ClassificationFilter::MaskImage* ClassificationFilter::mask() const {
    return GetNumberOfInputs() < 2 ? nullptr : static_cast<const MaskImage*>(itk::ProcessObject::GetInput(1));
}

const unsigned char* ClassificationFilter::mask_row(const OutputImageRegionType& region,
                                                    itk::IndexValueType number) const {
    if (mask() == nullptr) {
        return nullptr;
    }
    return mask()->GetBufferPointer() +
           mask()->ComputeOffset(MaskImage::IndexType{{region.GetIndex(0), number}});
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

void ClassificationFilter::GenerateInputRequestedRegion() {
    Superclass::GenerateInputRequestedRegion();
    OutputImageRegionType region = GetOutput()->GetRequestedRegion();
    region.PadByRadius(static_cast<itk::OffsetValueType>(weights_.size() / 2));
    region.Crop(GetOutput()->GetLargestPossibleRegion());
    for (unsigned int index = 0; index < GetNumberOfInputs(); ++index) {
        static_cast<itk::ImageBase<2>*>(itk::ProcessObject::GetInput(index))->SetRequestedRegion(region);
    }
}

// The pixels of a row of the image that are inside the mask.
struct ClassificationFilter::Row {
    std::vector<const float*> pixels;
    std::vector<std::size_t> places;
    // The votes for each class, pixel by pixel.
    std::vector<std::uint32_t> votes;
};

// The beginning of a row in each output.
struct ClassificationFilter::Result {
    int* labels;
    double* confidences;
    float* margins;
    int* seconds;
};

void ClassificationFilter::ThreadedGenerateData(const OutputImageRegionType& region,
                                                itk::ThreadIdType thread) {
    itk::ProgressReporter progress(this, thread, region.GetSize(1));
    const itk::IndexValueType first = region.GetIndex(1);
    const itk::IndexValueType end = first + static_cast<itk::IndexValueType>(region.GetSize(1));
    Row row;
    if (weights_.empty()) {
        for (itk::IndexValueType number = first; number < end; ++number) {
            count_votes(region, number, row);
            classify(row, result(region, number));
            progress.CompletedPixel();
        }
        return;
    }
    const OutputImageRegionType whole = GetOutput()->GetLargestPossibleRegion();
    OutputImageRegionType around = region;
    around.PadByRadius(static_cast<itk::OffsetValueType>(weights_.size() / 2));
    around.Crop(whole);
    const auto begin = static_cast<std::size_t>(region.GetIndex(0) - around.GetIndex(0));
    VoteSmoothing smoothing(weights_, around.GetSize(0), forest_->classes());
    const auto radius = static_cast<itk::IndexValueType>(smoothing.radius());
    for (itk::IndexValueType number = first - radius; number < end + radius; ++number) {
        if (number < whole.GetIndex(1) || number > whole.GetUpperIndex()[1]) {
            smoothing.push_nothing();
        } else {
            count_votes(around, number, row);
            smoothing.push(row.votes, row.places);
        }
        if (number >= first + radius) {
            classify_means(smoothing.mean().data() + begin * forest_->classes(), region, number - radius);
            progress.CompletedPixel();
        }
    }
}

void ClassificationFilter::count_votes(const OutputImageRegionType& region, itk::IndexValueType number,
                                       Row& row) const {
    const FeatureImage& image = *GetInput();
    const std::size_t bands = image.GetNumberOfComponentsPerPixel();
    const FeatureImage::IndexType start{{region.GetIndex(0), number}};
    // The features of a pixel are side by side in the buffer.
    const float* features =
        image.GetBufferPointer() + static_cast<std::size_t>(image.ComputeOffset(start)) * bands;
    const unsigned char* there = mask_row(region, number);
    row.pixels.clear();
    row.places.clear();
    for (std::size_t column = 0; column < region.GetSize(0); ++column) {
        if (there == nullptr || there[column] != 0) {
            row.pixels.push_back(features + column * bands);
            row.places.push_back(column);
        }
    }
    row.votes.resize(row.pixels.size() * forest_->classes());
    forest_->count_votes(row.pixels.data(), row.pixels.size(), row.votes.data());
}

ClassificationFilter::Result ClassificationFilter::result(const OutputImageRegionType& region,
                                                          itk::IndexValueType number) {
    const auto output = [&](auto* target) {
        auto* values = target->GetBufferPointer() +
                       target->ComputeOffset(OutputImageRegionType::IndexType{{region.GetIndex(0), number}});
        std::fill_n(values, region.GetSize(0), 0);
        return values;
    };
    return {output(GetOutput()), output(GetConfidenceOutput()), output(GetMarginOutput()),
            output(GetSecondOutput())};
}

void ClassificationFilter::classify(const Row& row, Result result) const {
    for (std::size_t pixel = 0; pixel < row.pixels.size(); ++pixel) {
        const std::uint32_t* votes = row.votes.data() + pixel * forest_->classes();
        const std::size_t place = row.places[pixel];
        result.labels[place] = forest_->label(row.pixels[pixel], votes);
        result.confidences[place] = forest_->share(votes[forest_->winner(votes)]);
        result.margins[place] = forest_->share(forest_->lead(votes));
        if (forest_->classes() > 1) {
            result.seconds[place] = forest_->labels()[forest_->runner_up(votes)];
        }
    }
}

void ClassificationFilter::classify_means(const float* means, const OutputImageRegionType& region,
                                          itk::IndexValueType number) {
    const Result into = result(region, number);
    const unsigned char* there = mask_row(region, number);
    for (std::size_t column = 0; column < region.GetSize(0); ++column, means += forest_->classes()) {
        if (there != nullptr && there[column] == 0) {
            continue;
        }
        const float* end = means + forest_->classes();
        const float* first = std::max_element(means, end);
        into.labels[column] = forest_->labels()[static_cast<std::size_t>(first - means)];
        into.confidences[column] = in_steps(*first);
        if (forest_->classes() == 1) {
            into.margins[column] = 1;
            continue;
        }
        // The largest mean of the other classes, and the first of equal ones.
        const float* before = std::max_element(means, first);
        const float* after = std::max_element(first + 1, end);
        const float* second = before != first && (after == end || *before >= *after) ? before : after;
        into.margins[column] = in_steps(*first - *second);
        into.seconds[column] = forest_->labels()[static_cast<std::size_t>(second - means)];
    }
}

float ClassificationFilter::in_steps(float votes) const {
    return std::round(votes / static_cast<float>(forest_->trees()) * steps) / steps;
}

}  // namespace classification
