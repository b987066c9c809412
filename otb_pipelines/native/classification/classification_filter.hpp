#pragma once

#include <itkImageToImageFilter.h>
#include <otbImage.h>
#include <otbVectorImage.h>

#include <memory>
#include <vector>

#include "../forest/forest.hpp"

namespace classification {

// Classifies an image by a random forest, in the regions and threads that ITK requests. The outputs are:
//
//   0: the label
//   1: the confidence, which is the share of the trees that voted for the label
//   2: the margin, which is the confidence minus the share of the second class
//   3: the label of the second class
//
// All are 0 where the mask is 0.
//
// With smoothing, the votes are first averaged over the surrounding pixels inside the mask, weighted by a
// Gaussian. The label is then that of the largest mean, and shares are rounded to 1/200, so that a map has
// few different values.
//
// ImageClassifier gives outputs 0 and 1 as well, but first copies the pixels one by one into lists.
class ClassificationFilter : public itk::ImageToImageFilter<otb::VectorImage<float, 2>, otb::Image<int, 2>> {
  public:
    using FeatureImage = otb::VectorImage<float, 2>;
    using LabelImage = otb::Image<int, 2>;
    using ConfidenceImage = otb::Image<double, 2>;
    using ShareImage = otb::Image<float, 2>;
    using MaskImage = otb::Image<unsigned char, 2>;

    using Self = ClassificationFilter;
    using Superclass = itk::ImageToImageFilter<FeatureImage, LabelImage>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(ClassificationFilter, itk::ImageToImageFilter);

    void SetForest(std::shared_ptr<const fast_forest::Forest> forest);
    void SetMask(const MaskImage* mask);
    // The standard deviation of the Gaussian, in pixels. 0 means no smoothing.
    void SetSmoothing(double deviation);

    ConfidenceImage* GetConfidenceOutput();
    ShareImage* GetMarginOutput();
    LabelImage* GetSecondOutput();

    DataObjectPointer MakeOutput(DataObjectPointerArraySizeType index) override;
    using Superclass::MakeOutput;

  protected:
    ClassificationFilter();
    ~ClassificationFilter() override = default;

    void GenerateOutputInformation() override;
    void GenerateInputRequestedRegion() override;
    void ThreadedGenerateData(const OutputImageRegionType& region, itk::ThreadIdType thread) override;

  private:
    struct Row;
    struct Result;

    const MaskImage* mask() const;
    // The mask of a row, or null without a mask.
    const unsigned char* mask_row(const OutputImageRegionType& region, itk::IndexValueType number) const;
    void count_votes(const OutputImageRegionType& region, itk::IndexValueType number, Row& row) const;
    Result result(const OutputImageRegionType& region, itk::IndexValueType number);
    void classify(const Row& row, Result result) const;
    // `means` holds the mean votes for each class, column by column of the region.
    void classify_means(const float* means, const OutputImageRegionType& region, itk::IndexValueType number);
    float in_steps(float votes) const;

    std::shared_ptr<const fast_forest::Forest> forest_;
    // The weights of the Gaussian along one axis. Empty without smoothing.
    std::vector<float> weights_;
};

}  // namespace classification
