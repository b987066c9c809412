#include <otbWrapperApplication.h>
#include <otbWrapperApplicationFactory.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "model_writer.hpp"
#include "trees.hpp"

namespace otb {
namespace Wrapper {
namespace {

constexpr std::size_t most_classes = 256;

}  // namespace

// Trains a random forest on pixels, in several threads.
class RandomForestTraining : public Application {
  public:
    using Self = RandomForestTraining;
    using Superclass = Application;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(RandomForestTraining, otb::Wrapper::Application);

  private:
    void DoInit() override {
        SetName("RandomForestTraining");
        SetDescription("Trains a random forest, which OTB's ImageClassifier reads");
        SetDocLongDescription(
            "Trains as TrainVectorClassifier's 'rf' does with an accuracy of 0, that is, all the trees, in "
            "several "
            "threads and without the detour of a table of text. The trees are others than those, of the same "
            "kind; "
            "they depend on the seed, and not on the number of threads.");
        SetDocLimitations("Pixels with a missing value are refused.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("TrainVectorClassifier, ImageClassifier, RandomForestClassification");
        AddDocTag(Tags::Learning);

        AddParameter(ParameterType_InputImage, "in",
                     "Image of the training pixels, with a band for each feature");
        AddParameter(ParameterType_InputImage, "labels", "Image of their classes");
        AddParameter(ParameterType_OutputFilename, "model", "Random forest");
        add_number("trees", "Number of trees", 100, 1);
        add_number("depth", "Largest depth of a tree", 5, 0);
        add_number("least", "A node with so many pixels or fewer is not split", 10, 0);
        add_number("tried", "Features drawn for each node; 0: the square root of their number", 0, 0);
        add_number("seed", "Of the random numbers", 1, 0);
    }

    void add_number(const char* key, const char* name, int value, int least) {
        AddParameter(ParameterType_Int, key, name);
        SetDefaultParameterInt(key, value);
        SetMinimumParameterIntValue(key, least);
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
        const int* codes = classes.GetBufferPointer();
        const std::set<int> present(codes, codes + count);
        const std::vector<int> labels(present.begin(), present.end());
        if (labels.size() > most_classes) {
            throw std::invalid_argument("there are more than 256 classes");
        }
        forest_training::Pixels pixels{count, image.GetNumberOfComponentsPerPixel(), labels.size(), {}, {}};
        pixels.values = by_feature(image.GetBufferPointer(), pixels.count, pixels.features);
        for (std::size_t pixel = 0; pixel < count; ++pixel) {
            const auto place = std::lower_bound(labels.begin(), labels.end(), codes[pixel]);
            pixels.kinds.push_back(static_cast<std::uint8_t>(place - labels.begin()));
        }
        const forest_training::Parameters parameters = read_parameters(pixels.features);
        const std::vector<forest_training::Tree> trees = forest_training::grow(
            pixels, parameters,
            static_cast<std::size_t>(itk::MultiThreader::GetGlobalDefaultNumberOfThreads()));
        forest_training::write_model(GetParameterString("model"), trees, parameters, pixels.features, labels);
    }

    static std::vector<float> by_feature(const float* values, std::size_t count, std::size_t features) {
        std::vector<float> turned(count * features);
        for (std::size_t pixel = 0; pixel < count; ++pixel) {
            for (std::size_t feature = 0; feature < features; ++feature) {
                const float value = values[pixel * features + feature];
                if (std::isnan(value)) {
                    throw std::invalid_argument("a pixel has no value of feature " +
                                                std::to_string(feature + 1));
                }
                turned[feature * count + pixel] = value;
            }
        }
        return turned;
    }

    forest_training::Parameters read_parameters(std::size_t features) {
        const auto number = [this](const char* key) {
            return static_cast<std::size_t>(GetParameterInt(key));
        };
        const auto root = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(features))));
        const std::size_t tried = number("tried") == 0 ? root : number("tried");
        return {number("trees"), number("depth"), number("least"), std::min(tried, features),
                static_cast<std::uint32_t>(number("seed"))};
    }
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::RandomForestTraining)
