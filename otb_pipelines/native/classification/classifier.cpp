#include "classifier.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <set>
#include <stdexcept>
#include <utility>

#include "../forest/model_file.hpp"
#include "../logistic/model_file.hpp"
#include "../logistic/regression.hpp"

namespace classification {
namespace {

class RandomForest : public Classifier {
  public:
    explicit RandomForest(fast_forest::Forest forest)
        : Classifier(forest.labels(), forest.features()), forest_(std::move(forest)) {}

    std::string need() const override {
        return "the forest was trained on " + std::to_string(features()) + " features";
    }

    void find_shares(const float* const* pixels, std::size_t count, float* shares) const override {
        std::vector<std::uint32_t> votes(count * classes());
        forest_.count_votes(pixels, count, votes.data());
        std::copy(votes.begin(), votes.end(), shares);
    }

    float whole() const override { return static_cast<float>(forest_.trees()); }

    bool has_few_values() const override { return true; }

    int label(const float* pixel, const float* shares) const override {
        return forest_.has_missing(pixel) ? forest_.label_of_missing(pixel)
                                          : Classifier::label(pixel, shares);
    }

  private:
    fast_forest::Forest forest_;
};

class LogisticRegression : public Classifier {
  public:
    explicit LogisticRegression(logistic::Regression regression)
        : Classifier(regression.labels(), regression.features()), regression_(std::move(regression)) {}

    void find_shares(const float* const* pixels, std::size_t count, float* shares) const override {
        regression_.find_shares(pixels, count, shares);
    }

  private:
    logistic::Regression regression_;
};

class GivenShares : public Classifier {
  public:
    explicit GivenShares(const std::vector<int>& labels) : Classifier(labels, labels.size()) {}

    bool fits(std::size_t bands) const override { return bands == classes(); }

    std::string need() const override { return std::to_string(classes()) + " classes are named"; }

    void find_shares(const float* const* pixels, std::size_t count, float* shares) const override {
        for (std::size_t pixel = 0; pixel < count; ++pixel) {
            std::copy_n(pixels[pixel], classes(), shares + pixel * classes());
        }
    }
};

}  // namespace

Classifier::Classifier(std::vector<int> labels, std::size_t features)
    : labels_(std::move(labels)), features_(features) {}

std::string Classifier::need() const {
    return "the classifier was trained on " + std::to_string(features_) + " features";
}

int Classifier::label(const float* /*pixel*/, const float* shares) const {
    return labels_[static_cast<std::size_t>(std::max_element(shares, shares + classes()) - shares)];
}

std::shared_ptr<const Classifier> random_forest(fast_forest::Forest forest) {
    return std::make_shared<const RandomForest>(std::move(forest));
}

std::shared_ptr<const Classifier> read_random_forest(const std::string& model) {
    return random_forest(fast_forest::read_forest(model));
}

std::shared_ptr<const Classifier> read_logistic_regression(const std::string& model) {
    const logistic::Model content = logistic::read_model(model);
    try {
        return std::make_shared<const LogisticRegression>(logistic::Regression(content));
    } catch (const std::invalid_argument& error) {
        throw logistic::ModelError(model + ": " + error.what() + "; train it again");
    }
}

std::shared_ptr<const Classifier> read_classifier(const std::string& model) {
    std::ifstream file(model, std::ios::binary);
    std::string start(logistic::model_marker.size(), ' ');
    file.read(start.data(), static_cast<std::streamsize>(start.size()));
    return start == logistic::model_marker ? read_logistic_regression(model) : read_random_forest(model);
}

std::shared_ptr<const Classifier> given_shares(const std::vector<int>& labels) {
    if (labels.empty() || std::set<int>(labels.begin(), labels.end()).size() != labels.size()) {
        throw std::invalid_argument("there is no class, or one occurs twice");
    }
    return std::make_shared<const GivenShares>(labels);
}

}  // namespace classification
