#pragma once

#include <string>
#include <vector>

#include "formulas/evaluation.hpp"
#include "formulas/parser.hpp"

namespace formula {

// What a formula gives for one pixel of one image with these bands.
inline float value(const std::string& text, const std::vector<float>& bands = {0.0F}) {
    const formulas::Program program = formulas::parse(text, {bands.size()});
    std::vector<formulas::Evaluation::Row> rows;
    for (const formulas::Program::Band& band : program.bands) {
        rows.push_back({bands.data() + band.band, bands.size()});
    }
    float result = 0;
    formulas::Evaluation(program).evaluate(rows, 1, &result);
    return result;
}

}  // namespace formula
