#include "program_builder.hpp"

#include <optional>
#include <utility>

#include "simplification.hpp"

namespace formulas {
namespace {

// muParser multiplies where a band is raised to such a power, which may round otherwise than pow.
std::optional<Operation> low_power(Operation operation, const std::vector<Operand>& operands) {
    if (operation != Operation::Power || !operands[0].is_band() || !operands[1].is_number()) {
        return std::nullopt;
    }
    const double exponent = operands[1].offset;
    if (exponent == 2) {
        return Operation::Square;
    }
    if (exponent == 3) {
        return Operation::Cube;
    }
    return exponent == 4 ? std::optional(Operation::FourthPower) : std::nullopt;
}

}  // namespace

Operand ProgramBuilder::band(std::size_t image, std::size_t band) {
    for (const Program::Band& known : program_.bands) {
        if (known.image == image && known.band == band) {
            return Operand::of_band(known.place);
        }
    }
    program_.bands.push_back({image, band, program_.registers++});
    return Operand::of_band(program_.bands.back().place);
}

Operand ProgramBuilder::apply(Operation operation, std::vector<Operand> operands) {
    if (const std::optional<Operand> simple = simplified(operation, operands)) {
        return *simple;
    }
    if (const std::optional<Operation> multiplication = low_power(operation, operands)) {
        operation = *multiplication;
        operands.pop_back();
    }
    std::vector<std::size_t> places;
    for (const Operand& operand : operands) {
        places.push_back(place_of(operand));
    }
    return Operand::computed(add_step(operation, places));
}

Program ProgramBuilder::finish(const Operand& result) {
    program_.result = place_of(result);
    return std::move(program_);
}

std::size_t ProgramBuilder::place_of(const Operand& operand) {
    switch (operand.kind) {
        case Operand::Kind::Number:
            program_.numbers.push_back({operand.offset, program_.registers++});
            return program_.numbers.back().place;
        case Operand::Kind::Line:
            return add_step(Operation::Line, {operand.place}, operand.factor, operand.offset);
        default:
            return operand.place;
    }
}

std::size_t ProgramBuilder::add_step(Operation operation, const std::vector<std::size_t>& operands,
                                     double factor, double offset) {
    Program::Step step{operation, 0, {}, factor, offset};
    for (std::size_t index = 0; index < operands.size(); ++index) {
        step.operands[index] = operands[index];
        if (results_.count(operands[index]) != 0) {
            free_.push_back(operands[index]);
        }
    }
    if (free_.empty()) {
        free_.push_back(program_.registers++);
        results_.insert(free_.back());
    }
    step.target = free_.back();
    free_.pop_back();
    program_.steps.push_back(step);
    return step.target;
}

}  // namespace formulas
