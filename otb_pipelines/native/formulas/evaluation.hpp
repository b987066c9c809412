#pragma once

#include <cstddef>
#include <vector>

#include "program.hpp"

namespace formulas {

// Runs a program over pixels. Each thread needs its own.
class Evaluation {
  public:
    // The pixels of a band in a row of an image. `stride` is the distance from a pixel to the next.
    struct Row {
        const float* first;
        std::size_t stride;
    };

    // The program must live longer than the evaluation.
    explicit Evaluation(const Program& program);

    // Evaluates the program for a number of pixels. `rows` has one entry for each of the program's bands.
    // Each operation is rounded to 64 bits. The result of every operation on NaN but `isfinite` is NaN, also
    // of a comparison. The result is NaN if it is not finite, or too large for a 32-bit
    // float.
    void evaluate(const std::vector<Row>& rows, std::size_t pixels, float* target);

  private:
    double* values(std::size_t place);
    void read(const Row& row, std::size_t first, std::size_t count, double* target) const;
    void run(const Program::Step& step, std::size_t count);

    const Program& program_;
    std::vector<double> registers_;
};

}  // namespace formulas
