#pragma once

#include <itkImageSource.h>
#include <otbImage.h>

#include <string>
#include <vector>

#include "evaluation.hpp"
#include "program.hpp"

namespace formulas {

// Evaluates a formula for each pixel of images of one size and place, in the regions and threads that ITK
// asks for. Pixels are read where they are: BandMath copies each band first, and interprets the formula pixel
// by pixel.
class FormulaFilter : public itk::ImageSource<otb::Image<float, 2>> {
  public:
    using Image = itk::ImageBase<2>;

    using Self = FormulaFilter;
    using Superclass = itk::ImageSource<otb::Image<float, 2>>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(FormulaFilter, itk::ImageSource);

    // images: of 32-bit floats, as images::is_float tells. Throws FormulaError where the formula cannot be
    // read.
    void SetFormula(const std::string& formula, const std::vector<Image::Pointer>& images);

  protected:
    FormulaFilter() = default;
    ~FormulaFilter() override = default;

    void VerifyInputInformation() override;
    void GenerateInputRequestedRegion() override;
    void ThreadedGenerateData(const OutputImageRegionType& region, itk::ThreadIdType thread) override;

  private:
    Image& image(std::size_t index);
    // The same pixels in an image's own indices, which may begin elsewhere.
    OutputImageRegionType in_image(const Image& image, OutputImageRegionType region);

    Program program_;
};

}  // namespace formulas
