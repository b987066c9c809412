#include <otbWrapperApplication.h>
#include <otbWrapperApplicationFactory.h>

#include <stdexcept>

#include "model_file.hpp"
#include "training.hpp"

namespace otb {
namespace Wrapper {

// Trains a logistic regression on pixels.
class LogisticRegressionTraining : public Application {
  public:
    using Self = LogisticRegressionTraining;
    using Superclass = Application;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(LogisticRegressionTraining, otb::Wrapper::Application);

  private:
    void DoInit() override {
        SetName("LogisticRegressionTraining");
        SetDescription("Trains a multinomial logistic regression, for few training pixels");
        SetDocLongDescription(
            "Standardises the features by the training pixels, and minimises the sum of the losses "
            "-log(share of a pixel's class), times the strength, plus half of the sum of the squared "
            "weights. "
            "That is scikit-learn's LogisticRegression for three and more classes; for two classes it is the "
            "one of twice the strength. The same pixels give the same file, whatever the processor.");
        SetDocLimitations(
            "Pixels with a missing value are refused. Time goes with the cube of classes times "
            "features, of which there can be 5000.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("LogisticRegressionClassification, ClassShares, RandomForestTraining");
        AddDocTag(Tags::Learning);

        AddParameter(ParameterType_InputImage, "in",
                     "Image of the training pixels, with a band for each feature");
        AddParameter(ParameterType_InputImage, "labels", "Image of their classes");
        AddParameter(ParameterType_OutputFilename, "model", "Logistic regression");
        AddParameter(ParameterType_Double, "c",
                     "Strength: how much the pixels weigh against the squares of the weights");
        SetDefaultParameterDouble("c", 10);
    }

    void DoUpdateParameters() override {}

    void DoExecute() override {
        try {
            train();
        } catch (const std::exception& error) {
            // OTB's own way would write the message to the log as well.
            itkExceptionMacro(<< error.what());
        }
    }

    void train() {
        FloatVectorImageType& image = *GetParameterFloatVectorImage("in");
        Int32ImageType& classes = *GetParameterInt32Image("labels");
        image.Update();
        classes.Update();
        if (image.GetLargestPossibleRegion() != classes.GetLargestPossibleRegion()) {
            throw std::invalid_argument("the images of the pixels and of their classes differ in size");
        }
        const std::size_t count = image.GetLargestPossibleRegion().GetNumberOfPixels();
        logistic::Pixels pixels{image.GetNumberOfComponentsPerPixel(), {}, {}};
        const float* values = image.GetBufferPointer();
        const int* codes = classes.GetBufferPointer();
        pixels.values.assign(values, values + count * pixels.features);
        pixels.codes.assign(codes, codes + count);
        logistic::write_model(GetParameterString("model"), logistic::train(pixels, GetParameterDouble("c")));
    }
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::LogisticRegressionTraining)
