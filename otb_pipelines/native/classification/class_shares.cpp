#include "application.hpp"
#include "class_share_filter.hpp"

namespace otb {
namespace Wrapper {

// Computes the share of each class in each pixel of an image.
class ClassShares : public ClassificationApplication {
  public:
    using Self = ClassShares;
    using Superclass = ClassificationApplication;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(ClassShares, otb::Wrapper::ClassificationApplication);

  private:
    void DoInit() override {
        SetName("ClassShares");
        SetDescription("Computes the share of each class in each pixel, by a trained classifier");
        SetDocLongDescription(
            "Of a random forest these are the shares of the trees that voted for the class, of a logistic "
            "regression its probabilities. With smoothing they are averaged over the pixels around.");
        SetDocLimitations(
            "Only models of TrainImagesClassifier's and TrainVectorClassifier's 'rf', of "
            "RandomForestTraining and of LogisticRegressionTraining.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("RandomForestClassification, LogisticRegressionClassification, ShareClassification");
        AddDocTag(Tags::Learning);

        add_inputs("Image of the features");
        AddParameter(ParameterType_InputFilename, "model", "Random forest or logistic regression");
        add_smoothing("shares");
        AddParameter(ParameterType_OutputImage, "out",
                     "Shares, a band for each class in the order of their codes, 0 where the mask is 0");
        SetDefaultOutputPixelType("out", ImagePixelType_float);
        AddRAMParameter();
    }

    std::shared_ptr<const classification::Classifier> classifier() override {
        return classification::read_classifier(GetParameterString("model"));
    }

    void DoExecute() override {
        filter_ = classification::ClassShareFilter::New();
        set_up(*filter_);
        SetParameterOutputImage("out", filter_->GetOutput());
    }

    classification::ClassShareFilter::Pointer filter_;
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::ClassShares)
