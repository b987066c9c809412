#pragma once

#include <cstddef>
#include <vector>

#include "program.hpp"

namespace formulas {

// Runs a program over pixels, for one thread.
class Evaluation {
  public:
    // A band's pixels, in a row: the first one, and from one to the next.
    struct Row {
        const float* first;
        std::size_t stride;
    };

    // The program must outlive it.
    explicit Evaluation(const Program& program);

    // rows: of each of the program's bands. Each operation is rounded to 64 bits; NaN where the result is not
    // finite or no 32-bit float is as large.
    void evaluate(const std::vector<Row>& rows, std::size_t pixels, float* target);

  private:
    double* values(std::size_t place);
    void read(const Row& row, std::size_t first, std::size_t count, double* target) const;
    void run(const Program::Step& step, std::size_t count);

    const Program& program_;
    std::vector<double> registers_;
};

}  // namespace formulas
