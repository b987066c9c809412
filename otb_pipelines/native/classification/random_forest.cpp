#include "application.hpp"

namespace otb {
namespace Wrapper {

// Classifies an image by a random forest that OTB has trained.
class RandomForestClassification : public ClassificationApplication {
  public:
    using Self = RandomForestClassification;
    using Superclass = ClassificationApplication;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(RandomForestClassification, otb::Wrapper::ClassificationApplication);

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

        add_inputs("Image of the features");
        AddParameter(ParameterType_InputFilename, "model", "Random forest");
        add_smoothing("votes");
        add_maps("Share of the trees that voted for the label",
                 "By how much this share exceeds that of the second class");
    }

    std::shared_ptr<const classification::Classifier> classifier() override {
        return classification::read_random_forest(GetParameterString("model"));
    }
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::RandomForestClassification)
