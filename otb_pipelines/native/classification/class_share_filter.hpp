#pragma once

#include "share_filter.hpp"

namespace classification {

// Computes the share of each class in each pixel: one band a class, all 0 where the mask is 0.
class ClassShareFilter : public ShareFilter<otb::VectorImage<float, 2>> {
  public:
    using Self = ClassShareFilter;
    using Superclass = ShareFilter<otb::VectorImage<float, 2>>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(ClassShareFilter, ShareFilter);

  protected:
    ClassShareFilter() = default;
    ~ClassShareFilter() override = default;

    void GenerateOutputInformation() override;
    void write_row(const RowShares& row, const Region& region) override;
};

}  // namespace classification
