#include <otbWrapperApplication.h>
#include <otbWrapperApplicationFactory.h>
#include <otbWrapperInputImageListParameter.h>

#include <vector>

#include "formula_filter.hpp"
#include "images/float_image.hpp"
#include "parser.hpp"

namespace otb {
namespace Wrapper {
namespace {

// The image itself, if the formula can be evaluated on it; otherwise, or from a file, 32-bit floats.
formulas::FormulaFilter::Image::Pointer image_of(InputImageParameter& parameter) {
    if (parameter.GetFileName().empty() && images::is_float(*parameter.GetImage())) {
        return parameter.GetImage();
    }
    return parameter.GetFloatVectorImage();
}

}  // namespace

// BandMath's values, many pixels at a time, but NaN wherever an operand is NaN.
class FormulaEvaluation : public Application {
  public:
    using Self = FormulaEvaluation;
    using Superclass = Application;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(FormulaEvaluation, otb::Wrapper::Application);

  private:
    void DoInit() override {
        SetName("FormulaEvaluation");
        SetDescription("Evaluates a formula for each pixel of images of one size and place");
        SetDocLongDescription(
            "Gives BandMath's values, faster: each operation goes over many pixels at a time, in 64 bits. "
            "im1b2 is band 2 of image 1; there are numbers, + - * / ^, < <= > >= == !=, && ||, "
            "CONDITION ? A : B, and the functions sqrt, exp, ln, abs, min, max and isfinite. "
            "A value that is not finite is NaN. So is what is made of NaN, by comparisons, min and max, too: "
            "only isfinite gives 0 of it, and 1 of a number. What CONDITION does not choose may be NaN.");
        SetDocLimitations("No other functions, no statistics of images and no coordinates of pixels.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("BandMath");
        AddDocTag("Miscellaneous");

        AddParameter(ParameterType_InputImageList, "il", "Images of one size and place");
        AddParameter(ParameterType_String, "exp", "Formula");
        AddParameter(ParameterType_OutputImage, "out", "What the formula gives");
        SetDefaultOutputPixelType("out", ImagePixelType_float);
        AddRAMParameter();
    }

    void DoUpdateParameters() override {}

    void DoExecute() override {
        auto* list = dynamic_cast<InputImageListParameter*>(GetParameterByKey("il"));
        std::vector<formulas::FormulaFilter::Image::Pointer> images;
        for (std::size_t index = 0; index < list->Size(); ++index) {
            images.push_back(image_of(*list->GetNthElement(index)));
        }
        if (images.empty()) {
            otbAppLogFATAL(<< "there is no image");
        }
        filter_ = formulas::FormulaFilter::New();
        try {
            filter_->SetFormula(GetParameterString("exp"), images);
        } catch (const formulas::FormulaError& error) {
            otbAppLogFATAL(<< error.what());
        }
        SetParameterOutputImage("out", filter_->GetOutput());
    }

    formulas::FormulaFilter::Pointer filter_;
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::FormulaEvaluation)
