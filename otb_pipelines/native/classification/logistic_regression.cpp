#include "application.hpp"

namespace otb {
namespace Wrapper {

// Classifies an image by a logistic regression.
class LogisticRegressionClassification : public ClassificationApplication {
  public:
    using Self = LogisticRegressionClassification;
    using Superclass = ClassificationApplication;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(LogisticRegressionClassification, otb::Wrapper::ClassificationApplication);

  private:
    void DoInit() override {
        SetName("LogisticRegressionClassification");
        SetDescription("Classifies an image by a logistic regression");
        SetDocLongDescription(
            "Gives the class of the largest share, this share, its margin over the second class, and the "
            "second class of each pixel. Shares come in steps of 0.005. With smoothing, the shares of each "
            "class are averaged over the pixels around before the label is chosen. The maps are the same on "
            "every processor.");
        SetDocLimitations(
            "Only models of LogisticRegressionTraining. A missing value of a pixel counts as "
            "the mean of the training pixels.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("LogisticRegressionTraining, ClassShares, ClassificationMapCleaning");
        AddDocTag(Tags::Learning);

        add_inputs("Image of the features");
        AddParameter(ParameterType_InputFilename, "model", "Logistic regression");
        add_smoothing("shares");
        add_maps("Share of the label's class", "By how much this share exceeds that of the second class");
    }

    std::shared_ptr<const classification::Classifier> classifier() override {
        return classification::read_logistic_regression(GetParameterString("model"));
    }
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::LogisticRegressionClassification)
