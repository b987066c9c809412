#include "model.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace logistic {
namespace {

[[noreturn]] void refuse(const std::string& fault) {
    throw std::invalid_argument(fault);
}

void check_sizes(const Model& model) {
    if (model.labels.empty() || model.means.empty()) {
        refuse("there are no classes or no features");
    }
    if (model.classes() > most_classes || model.features() > most_features) {
        refuse("there are more than " + std::to_string(most_classes) + " classes or " +
               std::to_string(most_features) + " features");
    }
    if (model.deviations.size() != model.features() || model.intercepts.size() != model.classes() ||
        model.weights.size() != model.classes() * model.features()) {
        refuse("there are not as many numbers as classes and features need");
    }
}

// NaN is in no range.
bool is_in(double value, double limit) {
    return std::fabs(value) <= limit;
}

}  // namespace

void check(const Model& model) {
    check_sizes(model);
    for (std::size_t kind = 1; kind < model.classes(); ++kind) {
        if (model.labels[kind] <= model.labels[kind - 1]) {
            refuse("the codes of the classes are not in ascending order");
        }
    }
    for (std::size_t feature = 0; feature < model.features(); ++feature) {
        if (!is_in(model.means[feature], largest_value)) {
            refuse("the mean of feature " + std::to_string(feature + 1) + " is not a valid number");
        }
        const double deviation = model.deviations[feature];
        const bool varies = deviation >= smallest_deviation && deviation <= largest_value;
        if (deviation != 0 && !varies) {
            refuse("the deviation of feature " + std::to_string(feature + 1) + " is not a valid number");
        }
    }
    for (std::size_t kind = 0; kind < model.classes(); ++kind) {
        if (!is_in(model.intercepts[kind], largest_weight)) {
            refuse("the intercept of class " + std::to_string(model.labels[kind]) + " is not a valid number");
        }
        for (std::size_t feature = 0; feature < model.features(); ++feature) {
            const double weight = model.weights[kind * model.features() + feature];
            if (!is_in(weight, model.deviations[feature] == 0 ? 0 : largest_weight)) {
                refuse("the weight of feature " + std::to_string(feature + 1) + " for class " +
                       std::to_string(model.labels[kind]) + " is not a valid number");
            }
        }
    }
}

}  // namespace logistic
