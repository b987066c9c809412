#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace fast_forest {
class Forest;
}

namespace classification {

// A classifier that gives the share of each class in a pixel. It never changes, so threads may share it.
class Classifier {
  public:
    explicit Classifier(std::vector<int> labels, std::size_t features);
    virtual ~Classifier() = default;
    Classifier(const Classifier&) = delete;
    Classifier& operator=(const Classifier&) = delete;

    // The number of bands that are read of an image.
    std::size_t features() const { return features_; }
    // Whether an image with this number of bands can be classified.
    virtual bool fits(std::size_t bands) const { return bands >= features_; }
    // The message about an image that cannot.
    virtual std::string need() const;

    std::size_t classes() const { return labels_.size(); }
    const std::vector<int>& labels() const { return labels_; }

    // Computes the shares of the classes, in units of 1/whole(). Each of the `count` pixels has features()
    // numbers. `shares` has room for count x classes() numbers; those of one pixel are side by side.
    virtual void find_shares(const float* const* pixels, std::size_t count, float* shares) const = 0;

    // What the shares of a pixel add up to.
    virtual float whole() const { return 1; }

    // Whether the shares of single pixels have few different values, as votes have.
    virtual bool has_few_values() const { return false; }

    // The label of a pixel with these shares, by default that of the largest one, and the first of equal
    // ones.
    virtual int label(const float* pixel, const float* shares) const;

  private:
    std::vector<int> labels_;
    std::size_t features_;
};

// A random forest, whose shares are votes.
std::shared_ptr<const Classifier> random_forest(fast_forest::Forest forest);

// The random forest of a model file of OTB's. Throws fast_forest::ModelError.
std::shared_ptr<const Classifier> read_random_forest(const std::string& model);

// The logistic regression of a model file. Throws logistic::ModelError.
std::shared_ptr<const Classifier> read_logistic_regression(const std::string& model);

// Either of the two, recognised by the beginning of the file. Throws the error of either.
std::shared_ptr<const Classifier> read_classifier(const std::string& model);

// A classifier for images that already hold the shares, one band a class. Throws std::invalid_argument if
// there is no label, or one occurs twice.
std::shared_ptr<const Classifier> given_shares(const std::vector<int>& labels);

}  // namespace classification
