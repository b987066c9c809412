#pragma once

#include "share_filter.hpp"

namespace classification {

// Classifies an image by a classifier that gives the shares of the classes. The outputs are:
//
//   0: the label
//   1: the confidence, which is the share of the first class
//   2: the margin, which is the confidence minus the share of the second class
//   3: the label of the second class
//
// All are 0 where the mask is 0.
//
// Without smoothing, the shares of a random forest are those of its votes. All others are rounded to 1/200,
// so that a map has few different values.
//
// Of a random forest ImageClassifier gives outputs 0 and 1 as well, but first copies the pixels one by one
// into lists.
class ClassificationFilter : public ShareFilter<otb::Image<int, 2>> {
  public:
    using LabelImage = otb::Image<int, 2>;
    using ConfidenceImage = otb::Image<double, 2>;
    using ShareImage = otb::Image<float, 2>;

    using Self = ClassificationFilter;
    using Superclass = ShareFilter<LabelImage>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(ClassificationFilter, ShareFilter);

    ConfidenceImage* GetConfidenceOutput();
    ShareImage* GetMarginOutput();
    LabelImage* GetSecondOutput();

    DataObjectPointer MakeOutput(DataObjectPointerArraySizeType index) override;
    using Superclass::MakeOutput;

  protected:
    ClassificationFilter();
    ~ClassificationFilter() override = default;

    void write_row(const RowShares& row, const Region& region) override;

  private:
    // A share from 0 to 1, as it is written.
    float told(float share) const;
};

}  // namespace classification
