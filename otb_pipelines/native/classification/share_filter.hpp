#pragma once

#include <itkImageToImageFilter.h>
#include <itkProgressReporter.h>
#include <otbImage.h>
#include <otbVectorImage.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "classifier.hpp"
#include "share_smoothing.hpp"

namespace classification {

// The pixels of a row that are inside the mask, and the shares of the classes in them.
struct RowShares {
    // The row, and the column at which the region begins.
    itk::IndexValueType row;
    itk::IndexValueType column;
    // Columns, counted from the beginning of the region.
    std::vector<std::size_t> places;
    // The features of each pixel. Empty with smoothing.
    std::vector<const float*> pixels;
    // Of each pixel and class, in units of 1/whole(); those of one pixel are side by side.
    std::vector<float> shares;
};

// A filter that computes the shares of the classes in an image, in the regions and threads that ITK requests.
// Derived filters make outputs of the shares, row by row.
//
// With smoothing, the shares are first averaged over the surrounding pixels inside the mask, weighted by a
// Gaussian.
template <class OutputImage>
class ShareFilter : public itk::ImageToImageFilter<otb::VectorImage<float, 2>, OutputImage> {
  public:
    using FeatureImage = otb::VectorImage<float, 2>;
    using MaskImage = otb::Image<unsigned char, 2>;

    using Self = ShareFilter;
    using Superclass = itk::ImageToImageFilter<FeatureImage, OutputImage>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;
    using Region = typename Superclass::OutputImageRegionType;

    itkTypeMacro(ShareFilter, itk::ImageToImageFilter);

    void SetClassifier(std::shared_ptr<const Classifier> classifier) {
        classifier_ = std::move(classifier);
        this->Modified();
    }

    void SetMask(const MaskImage* mask) { this->SetNthInput(1, const_cast<MaskImage*>(mask)); }

    // The standard deviation of the Gaussian, in pixels. 0 means no smoothing.
    void SetSmoothing(double deviation) {
        weights_ = deviation == 0 ? std::vector<float>() : gaussian_weights(deviation);
        this->Modified();
    }

  protected:
    ShareFilter() = default;
    ~ShareFilter() override = default;

    // Makes the outputs of a row: 0 where there is no pixel.
    virtual void write_row(const RowShares& row, const Region& region) = 0;

    const Classifier& classifier() const { return *classifier_; }
    bool smooths() const { return !weights_.empty(); }

    void GenerateOutputInformation() override {
        Superclass::GenerateOutputInformation();
        const FeatureImage& image = *this->GetInput();
        if (!classifier_->fits(image.GetNumberOfComponentsPerPixel())) {
            itkExceptionMacro(<< classifier_->need() << ", and the image has "
                              << image.GetNumberOfComponentsPerPixel());
        }
        if (mask() != nullptr && mask()->GetLargestPossibleRegion() != image.GetLargestPossibleRegion()) {
            itkExceptionMacro(<< "the mask is " << mask()->GetLargestPossibleRegion().GetSize()
                              << " pixels, and the image " << image.GetLargestPossibleRegion().GetSize());
        }
    }

    void GenerateInputRequestedRegion() override {
        Superclass::GenerateInputRequestedRegion();
        const Region region = with_surroundings(this->GetOutput()->GetRequestedRegion());
        for (unsigned int index = 0; index < this->GetNumberOfInputs(); ++index) {
            static_cast<itk::ImageBase<2>*>(itk::ProcessObject::GetInput(index))->SetRequestedRegion(region);
        }
    }

    void ThreadedGenerateData(const Region& region, itk::ThreadIdType thread) override {
        itk::ProgressReporter progress(this, thread, region.GetSize(1));
        if (smooths()) {
            write_smoothed(region, progress);
            return;
        }
        const itk::IndexValueType first = region.GetIndex(1);
        RowShares row;
        for (itk::IndexValueType number = first; number <= region.GetUpperIndex()[1]; ++number) {
            find_shares(region, number, row);
            write_row(row, region);
            progress.CompletedPixel();
        }
    }

  private:
    const MaskImage* mask() const {
        return this->GetNumberOfInputs() < 2 ? nullptr
                                             : static_cast<const MaskImage*>(itk::ProcessObject::GetInput(1));
    }

    // The region and what is near to it, as far as there is an image.
    Region with_surroundings(Region region) {
        region.PadByRadius(static_cast<itk::OffsetValueType>(weights_.size() / 2));
        region.Crop(this->GetOutput()->GetLargestPossibleRegion());
        return region;
    }

    // Finds the columns of a row that are inside the mask.
    void find_places(const Region& region, itk::IndexValueType number, RowShares& row) const {
        row.row = number;
        row.column = region.GetIndex(0);
        row.places.clear();
        const unsigned char* there = nullptr;
        if (mask() != nullptr) {
            there = mask()->GetBufferPointer() +
                    mask()->ComputeOffset(MaskImage::IndexType{{region.GetIndex(0), number}});
        }
        for (std::size_t column = 0; column < region.GetSize(0); ++column) {
            if (there == nullptr || there[column] != 0) {
                row.places.push_back(column);
            }
        }
    }

    void find_shares(const Region& region, itk::IndexValueType number, RowShares& row) const {
        find_places(region, number, row);
        const FeatureImage& image = *this->GetInput();
        const std::size_t bands = image.GetNumberOfComponentsPerPixel();
        const FeatureImage::IndexType start{{region.GetIndex(0), number}};
        // The features of a pixel are side by side in the buffer.
        const float* features =
            image.GetBufferPointer() + static_cast<std::size_t>(image.ComputeOffset(start)) * bands;
        row.pixels.clear();
        for (const std::size_t place : row.places) {
            row.pixels.push_back(features + place * bands);
        }
        row.shares.resize(row.pixels.size() * classifier_->classes());
        classifier_->find_shares(row.pixels.data(), row.pixels.size(), row.shares.data());
    }

    void write_smoothed(const Region& region, itk::ProgressReporter& progress) {
        const Region whole = this->GetOutput()->GetLargestPossibleRegion();
        const Region around = with_surroundings(region);
        ShareSmoothing smoothing(weights_, around.GetSize(0), classifier_->classes());
        const auto radius = static_cast<itk::IndexValueType>(smoothing.radius());
        const itk::IndexValueType first = region.GetIndex(1);
        RowShares row;
        RowShares smoothed;
        for (auto number = first - radius; number <= region.GetUpperIndex()[1] + radius; ++number) {
            if (number < whole.GetIndex(1) || number > whole.GetUpperIndex()[1]) {
                smoothing.push_nothing();
            } else {
                find_shares(around, number, row);
                smoothing.push(row.shares, row.places);
            }
            if (number >= first + radius) {
                find_places(region, number - radius, smoothed);
                take(smoothing.mean(), static_cast<std::size_t>(region.GetIndex(0) - around.GetIndex(0)),
                     smoothed);
                write_row(smoothed, region);
                progress.CompletedPixel();
            }
        }
    }

    // Takes the means of a row's pixels. `begin` is the place where the region begins in the means.
    void take(const std::vector<float>& means, std::size_t begin, RowShares& row) const {
        row.shares.clear();
        for (const std::size_t place : row.places) {
            const auto first =
                means.begin() + static_cast<std::ptrdiff_t>((begin + place) * classifier_->classes());
            row.shares.insert(row.shares.end(), first,
                              first + static_cast<std::ptrdiff_t>(classifier_->classes()));
        }
    }

    std::shared_ptr<const Classifier> classifier_;
    // The weights of the Gaussian along one axis. Empty without smoothing.
    std::vector<float> weights_;
};

}  // namespace classification
