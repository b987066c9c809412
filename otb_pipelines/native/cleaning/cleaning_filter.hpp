#pragma once

#include <itkImageToImageFilter.h>
#include <otbImage.h>

namespace cleaning {

// A classified image and its confidence in one pass: output 0 is the majority of the labels in a ball, output
// 1 the confidence as a share of the certain one, output 2 its median in a square window, whose edge is
// replicated, outputs 3 and 4 the margin and the second class as they come.
//
// One filter, not several: these would ask the classifier for regions of different sizes, and it would
// classify for each of them.
class CleaningFilter : public itk::ImageToImageFilter<otb::Image<int, 2>, otb::Image<int, 2>> {
  public:
    using LabelImage = otb::Image<int, 2>;
    using ConfidenceImage = otb::Image<double, 2>;
    using ShareImage = otb::Image<float, 2>;

    using Self = CleaningFilter;
    using Superclass = itk::ImageToImageFilter<LabelImage, LabelImage>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(CleaningFilter, itk::ImageToImageFilter);

    // In pixels; 0 leaves the labels as they are.
    itkSetMacro(MajorityRadius, unsigned int);
    itkSetMacro(MedianRadius, unsigned int);
    // This label neither votes nor changes.
    itkSetMacro(NoDataLabel, int);
    itkSetMacro(CertainConfidence, double);

    // Without it there are no outputs 1 and 2.
    void SetConfidence(const ConfidenceImage* confidence);

    // Without them there are no outputs 3 and 4; they need a confidence beside them.
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
    // Null where there is none.
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
