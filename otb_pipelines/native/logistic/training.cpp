#include "training.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "objective.hpp"

namespace logistic {
namespace {

constexpr int most_steps = 500;
// The last step changes no parameter by more than this share of the largest one. The step after it would be
// far smaller.
constexpr double smallest_step = 1e-9;
// The least fraction of the decrease predicted by the slope that a step must bring.
constexpr double least_decrease = 1e-4;
constexpr double shortest = 1e-10;
// Relative to the value: a smaller decrease is within rounding. So near to the minimum, whole steps converge.
constexpr double drowned = 1e-11;

void check(const Pixels& pixels, double strength) {
    if (pixels.codes.empty() || pixels.features == 0) {
        throw std::invalid_argument("there is no pixel or no feature to train on");
    }
    if (pixels.values.size() != pixels.codes.size() * pixels.features) {
        throw std::invalid_argument("there are not as many classes as pixels");
    }
    if (!(strength > 0) || !std::isfinite(strength)) {
        throw std::invalid_argument("the strength is not above 0");
    }
    for (std::size_t place = 0; place < pixels.values.size(); ++place) {
        const float value = pixels.values[place];
        const std::string feature = std::to_string(place % pixels.features + 1);
        if (std::isnan(value)) {
            throw std::invalid_argument("a pixel has no value of feature " + feature);
        }
        if (!(std::fabs(static_cast<double>(value)) <= largest_value)) {
            throw std::invalid_argument("a pixel has a value of feature " + feature + " that is too large");
        }
    }
}

void check_size(const Model& model) {
    const std::size_t parameters = model.classes() * (model.features() + 1);
    if (model.classes() > most_classes || parameters > most_parameters) {
        throw std::invalid_argument(
            std::to_string(model.classes()) + " classes and " + std::to_string(model.features()) +
            " features have " + std::to_string(parameters) + " weights; at most " +
            std::to_string(most_parameters) + " can be trained, of at most " + std::to_string(most_classes) +
            " classes; take fewer features, or another classifier");
    }
}

// Sets the mean and the deviation of each feature.
void measure(const Pixels& pixels, Model& model) {
    const std::size_t count = pixels.codes.size();
    for (std::size_t feature = 0; feature < pixels.features; ++feature) {
        const auto value = [&](std::size_t pixel) {
            return static_cast<double>(pixels.values[pixel * pixels.features + feature]);
        };
        double sum = 0;
        bool varies = false;
        for (std::size_t pixel = 0; pixel < count; ++pixel) {
            sum += value(pixel);
            varies = varies || value(pixel) != value(0);
        }
        // Rounding would give a deviation to equal values.
        const double mean = varies ? sum / static_cast<double>(count) : value(0);
        double squares = 0;
        for (std::size_t pixel = 0; pixel < count; ++pixel) {
            squares += (value(pixel) - mean) * (value(pixel) - mean);
        }
        const double deviation = std::sqrt(squares / static_cast<double>(count));
        model.means.push_back(mean);
        model.deviations.push_back(deviation < smallest_deviation ? 0 : deviation);
    }
}

std::vector<double> standardised(const Pixels& pixels, const Model& model) {
    std::vector<double> values;
    values.reserve(pixels.values.size());
    for (std::size_t place = 0; place < pixels.values.size(); ++place) {
        const std::size_t feature = place % pixels.features;
        const double deviation = model.deviations[feature];
        const double distance = static_cast<double>(pixels.values[place]) - model.means[feature];
        values.push_back(deviation == 0 ? 0 : distance / deviation);
    }
    return values;
}

double product(const double* one, const double* other, std::size_t size) {
    double sum = 0;
    for (std::size_t number = 0; number < size; ++number) {
        sum += one[number] * other[number];
    }
    return sum;
}

// Solves a system of equations by Cholesky's method. `matrix` holds the lower triangle of a positive definite
// matrix, and is overwritten.
std::vector<double> solved(std::vector<double>& matrix, std::vector<double> right) {
    const std::size_t size = right.size();
    for (std::size_t row = 0; row < size; ++row) {
        double* of_row = matrix.data() + row * size;
        for (std::size_t column = 0; column < row; ++column) {
            const double* of_column = matrix.data() + column * size;
            of_row[column] = (of_row[column] - product(of_row, of_column, column)) / of_column[column];
        }
        of_row[row] = std::sqrt(of_row[row] - product(of_row, of_row, row));
        right[row] = (right[row] - product(of_row, right.data(), row)) / of_row[row];
    }
    for (std::size_t row = size; row-- > 0;) {
        right[row] /= matrix[row * size + row];
        for (std::size_t column = 0; column < row; ++column) {
            right[column] -= matrix[row * size + column] * right[row];
        }
    }
    return right;
}

double largest_of(const std::vector<double>& numbers) {
    double largest = 0;
    for (const double number : numbers) {
        largest = std::max(largest, std::fabs(number));
    }
    return largest;
}

std::vector<double> moved(const std::vector<double>& from, const std::vector<double>& step, double length) {
    std::vector<double> result(from);
    for (std::size_t number = 0; number < result.size(); ++number) {
        result[number] -= length * step[number];
    }
    return result;
}

std::vector<double> minimum(Objective& objective) {
    std::vector<double> parameters(objective.parameters());
    double value = objective.set(parameters);
    double last_change = std::numeric_limits<double>::infinity();
    for (int count = 0; count < most_steps; ++count) {
        const std::vector<double> gradient = objective.gradient();
        std::vector<double> curvature = objective.curvature();
        const std::vector<double> step = solved(curvature, gradient);
        const double change = largest_of(step);
        if (!std::isfinite(change)) {
            break;
        }
        const double slope = product(gradient.data(), step.data(), step.size());
        const bool is_near = slope <= drowned * (1 + value);
        // Near to the minimum, growing steps come from the rounding of the gradient.
        if (change <= smallest_step * (1 + largest_of(parameters)) || (is_near && change >= last_change)) {
            return moved(parameters, step, 1);
        }
        last_change = change;
        double length = 1;
        std::vector<double> tried = moved(parameters, step, length);
        double found = objective.set(tried);
        while (!is_near && !(found <= value - least_decrease * length * slope) && length > shortest) {
            length /= 2;
            tried = moved(parameters, step, length);
            found = objective.set(tried);
        }
        parameters = std::move(tried);
        value = found;
    }
    throw std::invalid_argument("the training does not converge; take a smaller strength");
}

}  // namespace

Model train(const Pixels& pixels, double strength) {
    check(pixels, strength);
    Model model;
    const std::set<int> present(pixels.codes.begin(), pixels.codes.end());
    model.labels.assign(present.begin(), present.end());
    measure(pixels, model);
    check_size(model);
    std::vector<std::size_t> kinds;
    for (const int code : pixels.codes) {
        const auto place = std::lower_bound(model.labels.begin(), model.labels.end(), code);
        kinds.push_back(static_cast<std::size_t>(place - model.labels.begin()));
    }
    Objective objective(standardised(pixels, model), kinds, pixels.features, model.classes(), strength);
    const std::vector<double> parameters = minimum(objective);
    for (std::size_t kind = 0; kind < model.classes(); ++kind) {
        const double* of_kind = parameters.data() + kind * (pixels.features + 1);
        model.weights.insert(model.weights.end(), of_kind, of_kind + pixels.features);
        model.intercepts.push_back(of_kind[pixels.features]);
    }
    check(model);
    return model;
}

}  // namespace logistic
