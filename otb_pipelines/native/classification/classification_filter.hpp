#pragma once

#include <itkImageToImageFilter.h>
#include <otbImage.h>
#include <otbVectorImage.h>

#include <memory>
#include <vector>

#include "../forest/forest.hpp"

namespace classification {

// Classifies an image by a random forest, in the regions and threads that ITK asks for: output 0 is the
// label, output 1 the share of the trees that voted for it, output 2 the margin, by which that share exceeds
// the second class's, output 3 the label of the second class. All are 0 where the mask is 0.
//
// With smoothing, the votes are averaged first over the pixels around that the mask leaves, weighted by a
// Gaussian: a label is then that of the largest mean, and the shares come in whole steps, of which a map has
// few.
//
// ImageClassifier gives the first two as well, but copies the pixels one by one into lists first.
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
    // Standard deviation of the Gaussian, in pixels; 0 for none.
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
    // Null where there is no mask.
    const unsigned char* mask_row(const OutputImageRegionType& region, itk::IndexValueType number) const;
    void count_votes(const OutputImageRegionType& region, itk::IndexValueType number, Row& row) const;
    Result result(const OutputImageRegionType& region, itk::IndexValueType number);
    void classify(const Row& row, Result result) const;
    // means: by column of the region, the mean votes for each class.
    void classify_means(const float* means, const OutputImageRegionType& region, itk::IndexValueType number);
    float in_steps(float votes) const;

    std::shared_ptr<const fast_forest::Forest> forest_;
    // Of the Gaussian, along either axis; none without smoothing.
    std::vector<float> weights_;
};

}  // namespace classification
