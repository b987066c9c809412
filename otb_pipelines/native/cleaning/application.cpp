#include <otbWrapperApplication.h>
#include <otbWrapperApplicationFactory.h>

#include "cleaning_filter.hpp"

namespace otb {
namespace Wrapper {

// Cleans a map that ImageClassifier makes, while it makes it.
class ClassificationMapCleaning : public Application {
  public:
    using Self = ClassificationMapCleaning;
    using Superclass = Application;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(ClassificationMapCleaning, otb::Wrapper::Application);

  private:
    void DoInit() override {
        SetName("ClassificationMapCleaning");
        SetDescription("Cleans a classification map and its confidence map in one pass");
        SetDocLongDescription(
            "Gives each pixel of a classification map the majority label of a ball around it (a tie keeps "
            "the pixel's label; no data neither votes nor changes), and smooths the confidence map by a "
            "median. "
            "Connected to a classifier, it needs each pixel to be classified once.");
        SetDocLimitations("A confidence map must not hold NaN.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("ImageClassifier, ClassificationMapRegularization");
        AddDocTag(Tags::Learning);

        AddParameter(ParameterType_InputImage, "labels", "Classification map");
        AddParameter(ParameterType_InputImage, "confidence", "Confidence map");
        MandatoryOff("confidence");
        AddParameter(ParameterType_InputImage, "margin", "Margin, to be handed on with the confidence");
        MandatoryOff("margin");
        AddParameter(ParameterType_InputImage, "second", "Second class, to be handed on with the confidence");
        MandatoryOff("second");
        AddParameter(ParameterType_Int, "radius", "Radius of the majority vote, in pixels");
        SetDefaultParameterInt("radius", 1);
        SetMinimumParameterIntValue("radius", 0);
        AddParameter(ParameterType_Int, "medianradius", "Radius of the median's square window, in pixels");
        SetDefaultParameterInt("medianradius", 5);
        SetMinimumParameterIntValue("medianradius", 0);
        AddParameter(ParameterType_Int, "nodatalabel", "Label that means no data");
        SetDefaultParameterInt("nodatalabel", 0);
        AddParameter(ParameterType_Float, "certain", "Confidence that means certain, by which it is divided");
        SetDefaultParameterFloat("certain", 1.0);

        AddParameter(ParameterType_OutputImage, "out", "Cleaned map");
        SetDefaultOutputPixelType("out", ImagePixelType_uint8);
        for (const auto& [key, name] : {std::pair{"confmap", "Confidence, as a share of the certain one"},
                                        std::pair{"medianmap", "Median of this confidence"}}) {
            AddParameter(ParameterType_OutputImage, key, name);
            SetDefaultOutputPixelType(key, ImagePixelType_float);
            MandatoryOff(key);
        }
        AddParameter(ParameterType_OutputImage, "marginmap", "Margin");
        SetDefaultOutputPixelType("marginmap", ImagePixelType_float);
        MandatoryOff("marginmap");
        AddParameter(ParameterType_OutputImage, "secondmap", "Second class");
        SetDefaultOutputPixelType("secondmap", ImagePixelType_uint8);
        MandatoryOff("secondmap");
        AddRAMParameter();
        // All outputs in one pass, as the filter makes them.
        SetMultiWriting(true);
    }

    void DoUpdateParameters() override {}

    void DoExecute() override {
        filter_ = cleaning::CleaningFilter::New();
        filter_->SetInput(GetParameterInt32Image("labels"));
        filter_->SetMajorityRadius(static_cast<unsigned int>(GetParameterInt("radius")));
        filter_->SetMedianRadius(static_cast<unsigned int>(GetParameterInt("medianradius")));
        filter_->SetNoDataLabel(GetParameterInt("nodatalabel"));
        filter_->SetCertainConfidence(GetParameterFloat("certain"));
        SetParameterOutputImage("out", filter_->GetOutput());
        if (HasValue("confidence")) {
            filter_->SetConfidence(GetParameterDoubleImage("confidence"));
            SetParameterOutputImage("confmap", filter_->GetConfidenceOutput());
            SetParameterOutputImage("medianmap", filter_->GetMedianOutput());
            if (HasValue("margin")) {
                filter_->SetMargin(GetParameterFloatImage("margin"));
                SetParameterOutputImage("marginmap", filter_->GetMarginOutput());
            }
            if (HasValue("second")) {
                filter_->SetSecond(GetParameterInt32Image("second"));
                SetParameterOutputImage("secondmap", filter_->GetSecondOutput());
            }
        }
    }

    cleaning::CleaningFilter::Pointer filter_;
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::ClassificationMapCleaning)
