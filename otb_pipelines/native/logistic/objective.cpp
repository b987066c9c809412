#include "objective.hpp"

#include <algorithm>

#include "exponential.hpp"

namespace logistic {
namespace {

// The curvature of pixels with certain classes below which they are left out, relative to the penalty's
// curvature of 1.
constexpr double neglected = 1e-7;

}  // namespace

Objective::Objective(const std::vector<double>& values, const std::vector<std::size_t>& kinds,
                     std::size_t features, std::size_t classes, double strength)
    : kinds_(kinds),
      terms_(features + 1),
      classes_(classes),
      strength_(strength),
      shares_(kinds.size() * classes) {
    for (std::size_t pixel = 0; pixel < kinds.size(); ++pixel) {
        const auto first = values.begin() + static_cast<std::ptrdiff_t>(pixel * features);
        values_.insert(values_.end(), first, first + static_cast<std::ptrdiff_t>(features));
        values_.push_back(1);
    }
}

double Objective::set(const std::vector<double>& parameters) {
    parameters_ = parameters;
    double loss = 0;
    for (std::size_t pixel = 0; pixel < kinds_.size(); ++pixel) {
        const double* values = values_.data() + pixel * terms_;
        double* shares = shares_.data() + pixel * classes_;
        for (std::size_t kind = 0; kind < classes_; ++kind) {
            const double* weights = parameters_.data() + kind * terms_;
            double score = 0;
            for (std::size_t term = 0; term < terms_; ++term) {
                score += weights[term] * values[term];
            }
            shares[kind] = score;
        }
        const double largest = *std::max_element(shares, shares + classes_);
        const double own = shares[kinds_[pixel]] - largest;
        double sum = 0;
        for (std::size_t kind = 0; kind < classes_; ++kind) {
            shares[kind] = exponential(shares[kind] - largest);
            sum += shares[kind];
        }
        for (std::size_t kind = 0; kind < classes_; ++kind) {
            shares[kind] /= sum;
        }
        loss += logarithm(sum) - own;
    }
    double squares = 0;
    for (std::size_t number = 0; number < parameters_.size(); ++number) {
        const bool is_intercept = number % terms_ == terms_ - 1;
        squares += is_intercept ? 0 : parameters_[number] * parameters_[number];
    }
    return strength_ * loss + squares / 2;
}

std::vector<double> Objective::gradient() const {
    std::vector<double> result(parameters());
    for (std::size_t pixel = 0; pixel < kinds_.size(); ++pixel) {
        const double* values = values_.data() + pixel * terms_;
        for (std::size_t kind = 0; kind < classes_; ++kind) {
            const double wanted = kinds_[pixel] == kind ? 1 : 0;
            const double factor = strength_ * (shares_[pixel * classes_ + kind] - wanted);
            double* of_kind = result.data() + kind * terms_;
            for (std::size_t term = 0; term < terms_; ++term) {
                of_kind[term] += factor * values[term];
            }
        }
    }
    for (std::size_t number = 0; number < result.size(); ++number) {
        const bool is_intercept = number % terms_ == terms_ - 1;
        result[number] += is_intercept ? 0 : parameters_[number];
    }
    return result;
}

std::vector<double> Objective::curvature() const {
    const std::size_t size = parameters();
    std::vector<double> result(size * size);
    const double least_bend = neglected / (strength_ * static_cast<double>(kinds_.size()));
    for (std::size_t pixel = 0; pixel < kinds_.size(); ++pixel) {
        const double* values = values_.data() + pixel * terms_;
        const double* shares = shares_.data() + pixel * classes_;
        for (std::size_t kind = 0; kind < classes_; ++kind) {
            for (std::size_t other = 0; other <= kind; ++other) {
                const double bend = shares[kind] * ((kind == other ? 1 : 0) - shares[other]);
                if (bend < least_bend && bend > -least_bend) {
                    continue;
                }
                for (std::size_t term = 0; term < terms_; ++term) {
                    double* row = result.data() + (kind * terms_ + term) * size + other * terms_;
                    const double factor = strength_ * bend * values[term];
                    const std::size_t end = kind == other ? term + 1 : terms_;
                    for (std::size_t column = 0; column < end; ++column) {
                        row[column] += factor * values[column];
                    }
                }
            }
        }
    }
    for (std::size_t number = 0; number < size; ++number) {
        if (number % terms_ != terms_ - 1) {
            result[number * size + number] += 1;
            continue;
        }
        for (std::size_t other = terms_ - 1; other <= number; other += terms_) {
            result[number * size + other] += 1;
        }
    }
    return result;
}

}  // namespace logistic
