#pragma once

#include <itkImageSource.h>
#include <otbImage.h>

#include <string>
#include <vector>

#include "evaluation.hpp"
#include "program.hpp"

namespace formulas {

// Evaluates a formula for each pixel of images of the same size and place, in the regions and threads that
// ITK requests. Pixels are read from the images' own buffers. BandMath, in contrast, first copies each band
// and interprets the formula for each pixel.
class FormulaFilter : public itk::ImageSource<otb::Image<float, 2>> {
  public:
    using Image = itk::ImageBase<2>;

    using Self = FormulaFilter;
    using Superclass = itk::ImageSource<otb::Image<float, 2>>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(FormulaFilter, itk::ImageSource);

    // The images must hold 32-bit floats (see images::is_float). Throws FormulaError if the formula cannot be
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
    // Converts a region of the output to the indices of an image, whose first index may differ.
    OutputImageRegionType in_image(const Image& image, OutputImageRegionType region);

    Program program_;
};

}  // namespace formulas
