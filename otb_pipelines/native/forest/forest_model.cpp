#include "forest_model.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "model_file.hpp"

namespace fast_forest {
namespace {

// Pixels whose votes are counted at a time: few enough for the processor's cache.
constexpr std::size_t batch_pixels = 1024;

double share(std::uint32_t votes, std::size_t trees) {
    // In single precision, as OTB's own forest.
    return static_cast<float>(votes) / static_cast<float>(trees);
}

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

int ForestModel::label_of(const float* pixel, const std::uint32_t* votes) const {
    if (!forest_->has_missing(pixel)) {
        return forest_->labels()[forest_->winner(votes)];
    }
    const std::vector<float> whole = forest_->substituted(pixel);
    const float* whole_pixel = whole.data();
    std::vector<std::uint32_t> whole_votes(forest_->classes());
    forest_->count_votes(&whole_pixel, 1, whole_votes.data());
    return forest_->labels()[forest_->winner(whole_votes.data())];
}

ForestModel::ProbaSampleType ForestModel::shares_of(const std::uint32_t* votes) const {
    const std::size_t classes = forest_->classes();
    ProbaSampleType result(static_cast<unsigned int>(classes + 1));
    std::vector<std::uint32_t> largest(votes, votes + classes);
    largest.push_back(0);
    std::nth_element(largest.begin(), largest.begin() + 1, largest.end(), std::greater<>());
    for (std::size_t kind = 0; kind < classes; ++kind) {
        result[static_cast<unsigned int>(kind)] = share(votes[kind], forest_->trees());
    }
    result[static_cast<unsigned int>(classes)] = share(largest[0] - largest[1], forest_->trees());
    return result;
}

ForestModel::TargetSampleType ForestModel::DoPredict(const InputSampleType& input,
                                                     ConfidenceValueType* confidence,
                                                     ProbaSampleType* shares) const {
    const float* pixel = checked(input);
    std::vector<std::uint32_t> votes(forest_->classes());
    forest_->count_votes(&pixel, 1, votes.data());
    if (confidence != nullptr) {
        *confidence = share(votes[forest_->winner(votes.data())], forest_->trees());
    }
    if (shares != nullptr) {
        *shares = shares_of(votes.data());
    }
    return TargetSampleType(label_of(pixel, votes.data()));
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
            targets->SetMeasurementVector(start + pixel, TargetSampleType(label_of(pixels[pixel], of_pixel)));
            if (confidences != nullptr) {
                const std::uint32_t most = of_pixel[forest_->winner(of_pixel)];
                confidences->SetMeasurementVector(start + pixel,
                                                  ConfidenceSampleType(share(most, forest_->trees())));
            }
            if (shares != nullptr) {
                shares->SetMeasurementVector(start + pixel, shares_of(of_pixel));
            }
        }
    }
}

}  // namespace fast_forest
