#include "forest_model.hpp"

#include <algorithm>
#include <vector>

#include "model_file.hpp"

namespace fast_forest {
namespace {

// Pixels whose votes are counted at a time: few enough for the processor's cache.
constexpr std::size_t batch_pixels = 1024;

}  // namespace

ForestModel::ForestModel() {
    m_ConfidenceIndex = true;
    m_ProbaIndex = true;
}

void ForestModel::Train() {
    itkExceptionMacro("this model reads forests and trains none");
}

void ForestModel::Save(const std::string&, const std::string&) {
    itkExceptionMacro("this model reads forests and writes none");
}

bool ForestModel::CanWriteFile(const std::string&) {
    return false;
}

bool ForestModel::CanReadFile(const std::string& path) {
    return is_forest(path);
}

void ForestModel::Load(const std::string& path, const std::string&) {
    try {
        forest_ = std::make_unique<const Forest>(read_forest(path));
    } catch (const ModelError& error) {
        itkExceptionMacro(<< error.what());
    }
}

const float* ForestModel::checked(const InputSampleType& input) const {
    if (forest_ == nullptr) {
        itkExceptionMacro("no forest has been loaded");
    }
    if (input.Size() < forest_->features()) {
        itkExceptionMacro(<< "the forest was trained on " << forest_->features()
                          << " features, and the image has " << input.Size());
    }
    return input.GetDataPointer();
}

ForestModel::ProbaSampleType ForestModel::shares_of(const std::uint32_t* votes) const {
    const std::size_t classes = forest_->classes();
    ProbaSampleType result(static_cast<unsigned int>(classes + 1));
    for (std::size_t kind = 0; kind < classes; ++kind) {
        result[static_cast<unsigned int>(kind)] = forest_->share(votes[kind]);
    }
    result[static_cast<unsigned int>(classes)] = forest_->share(forest_->lead(votes));
    return result;
}

ForestModel::TargetSampleType ForestModel::DoPredict(const InputSampleType& input,
                                                     ConfidenceValueType* confidence,
                                                     ProbaSampleType* shares) const {
    const float* pixel = checked(input);
    std::vector<std::uint32_t> votes(forest_->classes());
    forest_->count_votes(&pixel, 1, votes.data());
    if (confidence != nullptr) {
        *confidence = forest_->share(votes[forest_->winner(votes.data())]);
    }
    if (shares != nullptr) {
        *shares = shares_of(votes.data());
    }
    return TargetSampleType(forest_->label(pixel, votes.data()));
}

void ForestModel::DoPredictBatch(const InputListSampleType* input, const unsigned int& first,
                                 const unsigned int& count, TargetListSampleType* targets,
                                 ConfidenceListSampleType* confidences, ProbaListSampleType* shares) const {
    std::vector<const float*> pixels(batch_pixels);
    std::vector<std::uint32_t> votes(forest_ == nullptr ? 0 : batch_pixels * forest_->classes());
    for (unsigned int start = first; start < first + count; start += batch_pixels) {
        const unsigned int size = std::min<unsigned int>(batch_pixels, first + count - start);
        for (unsigned int pixel = 0; pixel < size; ++pixel) {
            pixels[pixel] = checked(input->GetMeasurementVector(start + pixel));
        }
        forest_->count_votes(pixels.data(), size, votes.data());
        for (unsigned int pixel = 0; pixel < size; ++pixel) {
            const std::uint32_t* of_pixel = votes.data() + pixel * forest_->classes();
            targets->SetMeasurementVector(start + pixel,
                                          TargetSampleType(forest_->label(pixels[pixel], of_pixel)));
            if (confidences != nullptr) {
                const std::uint32_t most = of_pixel[forest_->winner(of_pixel)];
                confidences->SetMeasurementVector(start + pixel, ConfidenceSampleType(forest_->share(most)));
            }
            if (shares != nullptr) {
                shares->SetMeasurementVector(start + pixel, shares_of(of_pixel));
            }
        }
    }
}

}  // namespace fast_forest
