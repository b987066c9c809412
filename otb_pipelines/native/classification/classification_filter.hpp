#pragma once

#include <itkImageToImageFilter.h>
#include <otbImage.h>
#include <otbVectorImage.h>

#include <memory>

#include "../forest/forest.hpp"

namespace classification {

// Classifies an image by a random forest, in the regions and threads that ITK asks for: output 0 is the
// label, output 1 the share of the trees that voted for it, output 2 the margin, by which that share exceeds
// the second class's, output 3 the label of the second class. All are 0 where the mask is 0.
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

    ConfidenceImage* GetConfidenceOutput();
    ShareImage* GetMarginOutput();
    LabelImage* GetSecondOutput();

    DataObjectPointer MakeOutput(DataObjectPointerArraySizeType index) override;
    using Superclass::MakeOutput;

  protected:
    ClassificationFilter();
    ~ClassificationFilter() override = default;

    void GenerateOutputInformation() override;
    void ThreadedGenerateData(const OutputImageRegionType& region, itk::ThreadIdType thread) override;

  private:
    const MaskImage* mask() const;

    std::shared_ptr<const fast_forest::Forest> forest_;
};

}  // namespace classification
