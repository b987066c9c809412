#include <otbWrapperApplication.h>
#include <otbWrapperApplicationFactory.h>

#include <memory>

#include "../forest/model_file.hpp"
#include "classification_filter.hpp"

namespace otb {
namespace Wrapper {

// Classifies an image by a random forest that OTB has trained.
class RandomForestClassification : public Application {
  public:
    using Self = RandomForestClassification;
    using Superclass = Application;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(RandomForestClassification, otb::Wrapper::Application);

  private:
    void DoInit() override {
        SetName("RandomForestClassification");
        SetDescription("Classifies an image by a random forest that OTB has trained");
        SetDocLongDescription(
            "Gives the labels and confidences that ImageClassifier gives, faster, and with them the margin "
            "and the second class of each pixel. With smoothing, the votes for each class are averaged over "
            "the pixels around before the label is chosen.");
        SetDocLimitations("Only models of TrainImagesClassifier's and TrainVectorClassifier's 'rf'.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("ImageClassifier, TrainImagesClassifier, ClassificationMapCleaning");
        AddDocTag(Tags::Learning);

        AddParameter(ParameterType_InputImage, "in", "Image of the features");
        AddParameter(ParameterType_InputImage, "mask", "What is to be classified: not 0");
        MandatoryOff("mask");
        AddParameter(ParameterType_InputFilename, "model", "Random forest");
        AddParameter(ParameterType_Float, "smoothing",
                     "Standard deviation in pixels of the Gaussian by which votes are averaged; 0: none");
        SetDefaultParameterFloat("smoothing", 0);
        SetMinimumParameterFloatValue("smoothing", 0);

        AddParameter(ParameterType_OutputImage, "out", "Labels, 0 where the mask is 0");
        SetDefaultOutputPixelType("out", ImagePixelType_uint8);
        AddParameter(ParameterType_OutputImage, "confmap", "Share of the trees that voted for the label");
        SetDefaultOutputPixelType("confmap", ImagePixelType_float);
        MandatoryOff("confmap");
        AddParameter(ParameterType_OutputImage, "marginmap",
                     "By how much this share exceeds that of the second class");
        SetDefaultOutputPixelType("marginmap", ImagePixelType_float);
        MandatoryOff("marginmap");
        AddParameter(ParameterType_OutputImage, "secondmap", "Label of the second class");
        SetDefaultOutputPixelType("secondmap", ImagePixelType_uint8);
        MandatoryOff("secondmap");
        AddRAMParameter();
        SetMultiWriting(true);
    }

    void DoUpdateParameters() override {}

    void DoExecute() override {
        filter_ = classification::ClassificationFilter::New();
        try {
            filter_->SetForest(std::make_shared<const fast_forest::Forest>(
                fast_forest::read_forest(GetParameterString("model"))));
        } catch (const fast_forest::ModelError& error) {
            otbAppLogFATAL(<< error.what());
        }
        filter_->SetSmoothing(GetParameterFloat("smoothing"));
        filter_->SetInput(GetParameterFloatVectorImage("in"));
        if (HasValue("mask")) {
            filter_->SetMask(GetParameterUInt8Image("mask"));
        }
        SetParameterOutputImage("out", filter_->GetOutput());
        SetParameterOutputImage("confmap", filter_->GetConfidenceOutput());
        SetParameterOutputImage("marginmap", filter_->GetMarginOutput());
        SetParameterOutputImage("secondmap", filter_->GetSecondOutput());
    }

    classification::ClassificationFilter::Pointer filter_;
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::RandomForestClassification)
