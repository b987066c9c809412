#include <charconv>
#include <stdexcept>
#include <vector>

#include "application.hpp"

namespace otb {
namespace Wrapper {

// Classifies an image of shares, one band a class.
class ShareClassification : public ClassificationApplication {
  public:
    using Self = ShareClassification;
    using Superclass = ClassificationApplication;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(ShareClassification, otb::Wrapper::ClassificationApplication);

  private:
    void DoInit() override {
        SetName("ShareClassification");
        SetDescription("Makes maps of the shares of classes, which any classifier may have computed");
        SetDocLongDescription(
            "Gives the class of the largest share, this share, its margin over the second class, and the "
            "second class of each pixel. Shares come in steps of 0.005. With smoothing, the shares of each "
            "class are averaged over the pixels around before the label is chosen.");
        SetDocLimitations("Shares are used as they are: they are neither checked nor made to add up to 1.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("ClassShares, RandomForestClassification, LogisticRegressionClassification");
        AddDocTag(Tags::Learning);

        add_inputs("Image of the shares, with a band for each class");
        AddParameter(ParameterType_StringList, "classes", "Codes of the classes, in the order of the bands");
        add_smoothing("shares");
        add_maps("Share of the label's class", "By how much this share exceeds that of the second class");
    }

    std::shared_ptr<const classification::Classifier> classifier() override {
        std::vector<int> codes;
        for (const std::string& word : GetParameterStringList("classes")) {
            const char* end = word.data() + word.size();
            const auto read = std::from_chars(word.data(), end, codes.emplace_back());
            if (read.ec != std::errc() || read.ptr != end) {
                throw std::invalid_argument("classes: '" + word + "' is not a code of a class");
            }
        }
        return classification::given_shares(codes);
    }
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::ShareClassification)
