#include "program_builder.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace formulas {

std::size_t ProgramBuilder::band(std::size_t image, std::size_t band) {
    for (const Program::Band& known : program_.bands) {
        if (known.image == image && known.band == band) {
            return known.place;
        }
    }
    program_.bands.push_back({image, band, program_.registers++});
    return program_.bands.back().place;
}

std::size_t ProgramBuilder::number(double value) {
    program_.numbers.push_back({value, program_.registers++});
    return program_.numbers.back().place;
}

std::size_t ProgramBuilder::apply(Operation operation, const std::vector<std::size_t>& operands) {
    Program::Step step{operation, 0, {}};
    std::copy(operands.begin(), operands.end(), step.operands.begin());
    std::copy_if(operands.begin(), operands.end(), std::back_inserter(free_),
                 [this](std::size_t place) { return results_.count(place) != 0; });
    if (free_.empty()) {
        free_.push_back(program_.registers++);
        results_.insert(free_.back());
    }
    step.target = free_.back();
    free_.pop_back();
    program_.steps.push_back(step);
    return step.target;
}

Program ProgramBuilder::finish(std::size_t result) {
    program_.result = result;
    return std::move(program_);
}

}  // namespace formulas
