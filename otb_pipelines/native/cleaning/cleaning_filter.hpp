#pragma once

#include <itkImageToImageFilter.h>
#include <otbImage.h>

#include "majority_vote.hpp"

namespace cleaning {

// Cleans a classified image and its confidence in one pass. The outputs are:
//
//   0: the majority of the labels in a ball
//   1: the confidence divided by the certain confidence
//   2: the median of output 1 in a square window; the edge of the image is replicated
//   3: the margin, unchanged
//   4: the second class, unchanged
//
// This is one filter and not several, because several would request regions of different sizes from the
// classifier, which would then classify the same pixels for each of them.
class CleaningFilter : public itk::ImageToImageFilter<otb::Image<int, 2>, otb::Image<int, 2>> {
  public:
    using LabelImage = cleaning::LabelImage;
    using ConfidenceImage = otb::Image<double, 2>;
    using ShareImage = otb::Image<float, 2>;

    using Self = CleaningFilter;
    using Superclass = itk::ImageToImageFilter<LabelImage, LabelImage>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(CleaningFilter, itk::ImageToImageFilter);

    // The radii are in pixels. A majority radius of 0 leaves the labels as they are.
    itkSetMacro(MajorityRadius, unsigned int);
    itkSetMacro(MedianRadius, unsigned int);
    // The label that means no data. It neither votes nor changes.
    itkSetMacro(NoDataLabel, int);
    itkSetMacro(CertainConfidence, double);

    // Outputs 1 and 2 need a confidence.
    void SetConfidence(const ConfidenceImage* confidence);

    // Outputs 3 and 4 need a margin and a second class, and also a confidence.
    void SetMargin(const ShareImage* margin);
    void SetSecond(const LabelImage* second);

    ShareImage* GetConfidenceOutput();
    ShareImage* GetMedianOutput();
    ShareImage* GetMarginOutput();
    LabelImage* GetSecondOutput();

    DataObjectPointer MakeOutput(DataObjectPointerArraySizeType index) override;
    using Superclass::MakeOutput;

  protected:
    CleaningFilter();
    ~CleaningFilter() override = default;

    void GenerateInputRequestedRegion() override;
    void GenerateData() override;

  private:
    // An input, or null if it was not given.
    template <class Image>
    const Image* input(unsigned int index) const;
    const ConfidenceImage* confidence() const { return input<ConfidenceImage>(1); }
    void generate_labels();
    void generate_confidence();
    void generate_median();

    unsigned int m_MajorityRadius = 1;
    unsigned int m_MedianRadius = 5;
    int m_NoDataLabel = 0;
    double m_CertainConfidence = 1.0;
};

}  // namespace cleaning
