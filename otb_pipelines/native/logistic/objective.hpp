#pragma once

#include <cstddef>
#include <vector>

namespace logistic {

// What a multinomial logistic regression minimises: the sum over the pixels of -log(share of the pixel's
// class), times the strength, plus half of the sum of the squares of the weights. The intercepts are
// not penalised.
//
// The parameters are, class by class, the weights of the features and then the intercept. Sums are computed
// in one order, by one thread.
class Objective {
  public:
    // `values` holds the features pixel by pixel, and `kinds` the numbers of the pixels' classes.
    Objective(const std::vector<double>& values, const std::vector<std::size_t>& kinds, std::size_t features,
              std::size_t classes, double strength);

    std::size_t parameters() const { return classes_ * terms_; }

    // Sets the parameters, and returns the value.
    double set(const std::vector<double>& parameters);
    // Both are for the parameters that were set last.
    std::vector<double> gradient() const;
    // The lower triangle of the matrix of second derivatives, row by row. A constant that is added to all
    // intercepts changes nothing; the sum of the intercepts has a penalty of its own here, so that the matrix
    // can be inverted.
    std::vector<double> curvature() const;

  private:
    // One more feature, which is always 1.
    std::vector<double> values_;
    std::vector<std::size_t> kinds_;
    std::size_t terms_;
    std::size_t classes_;
    double strength_;
    std::vector<double> parameters_;
    // By pixel and class.
    std::vector<double> shares_;
};

}  // namespace logistic
