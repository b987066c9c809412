#include "parser.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <system_error>

#include "program_builder.hpp"

namespace formulas {
namespace {

// Of nested operations; far from what a thread's stack holds.
constexpr int deepest = 1000;

const std::map<std::string, Operation> functions_of_one{
    {"sqrt", Operation::SquareRoot},   {"exp", Operation::Exponential}, {"ln", Operation::NaturalLogarithm},
    {"abs", Operation::AbsoluteValue}, {"isfinite", Operation::Finite},
};
const std::map<std::string, Operation> functions_of_some{{"min", Operation::Least},
                                                         {"max", Operation::Greatest}};

struct Operator {
    const char* text;
    Operation operation;
};

// From the loosest to the tightest; those of a level apply from left to right. Of two that begin alike, the
// longer is first.
const std::vector<std::vector<Operator>> levels{
    {{"||", Operation::Either}},
    {{"&&", Operation::Both}},
    {{"<=", Operation::LessOrEqual},
     {">=", Operation::GreaterOrEqual},
     {"==", Operation::Equal},
     {"!=", Operation::Unequal},
     {"<", Operation::Less},
     {">", Operation::Greater}},
    {{"+", Operation::Sum}, {"-", Operation::Difference}},
    {{"*", Operation::Product}, {"/", Operation::Quotient}},
};

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           character == '_';
}

// Of im1b2 the numbers 1 and 2; none of another name.
struct BandName {
    std::size_t image;
    std::size_t band;
};

std::optional<BandName> band_name(const std::string& name) {
    BandName found{};
    const char* end = name.data() + name.size();
    if (name.compare(0, 2, "im") != 0) {
        return std::nullopt;
    }
    const auto [after_image, no_image] = std::from_chars(name.data() + 2, end, found.image);
    if (no_image != std::errc() || after_image == end || *after_image != 'b') {
        return std::nullopt;
    }
    const auto [after_band, no_band] = std::from_chars(after_image + 1, end, found.band);
    return no_band == std::errc() && after_band == end ? std::optional(found) : std::nullopt;
}

// By recursive descent.
class Parser {
  public:
    Parser(const std::string& formula, const std::vector<std::size_t>& bands)
        : formula_(formula), bands_(bands) {}

    Program parse() {
        const std::size_t result = choice();
        skip_spaces();
        if (at_ != formula_.size()) {
            refuse("expected an operator or the end");
        }
        return builder_.finish(result);
    }

  private:
    // One level further within, for as long as it lives.
    class Depth {
      public:
        explicit Depth(Parser& parser) : depth_(parser.depth_) {
            if (++depth_ > deepest) {
                parser.refuse("nested too deeply");
            }
        }
        ~Depth() { --depth_; }
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;

      private:
        int& depth_;
    };

    std::size_t choice() {
        const Depth depth(*this);
        const std::size_t condition = binary(0);
        if (!take("?")) {
            return condition;
        }
        const std::size_t yes = choice();
        expect(":");
        const std::size_t no = choice();
        return builder_.apply(Operation::Choice, {condition, yes, no});
    }

    std::size_t binary(std::size_t level) {
        if (level == levels.size()) {
            return sign();
        }
        std::size_t left = binary(level + 1);
        while (const std::optional<Operation> operation = take_operator(levels[level])) {
            const std::size_t right = binary(level + 1);
            left = builder_.apply(*operation, {left, right});
        }
        return left;
    }

    // A sign binds less than a power, and an exponent may have one.
    std::size_t sign() {
        const Depth depth(*this);
        if (take("-")) {
            return builder_.apply(Operation::Negation, {sign()});
        }
        if (take("+")) {
            return sign();
        }
        const std::size_t base = primary();
        if (!take("^")) {
            return base;
        }
        return builder_.apply(Operation::Power, {base, sign()});
    }

    std::size_t primary() {
        skip_spaces();
        if (take("(")) {
            const std::size_t inner = choice();
            expect(")");
            return inner;
        }
        if (at_ < formula_.size() && is_letter(formula_[at_])) {
            return named();
        }
        if (at_ < formula_.size() && (is_digit(formula_[at_]) || formula_[at_] == '.')) {
            return number();
        }
        refuse("expected a number, a band, a function or (");
    }

    std::size_t number() {
        double value = 0;
        const auto [end, error] =
            std::from_chars(formula_.data() + at_, formula_.data() + formula_.size(), value);
        if (error != std::errc()) {
            refuse("expected a number that 64 bits hold");
        }
        at_ = static_cast<std::size_t>(end - formula_.data());
        return builder_.number(value);
    }

    std::size_t named() {
        const std::size_t begin = at_;
        const auto is_part = [](char character) { return is_letter(character) || is_digit(character); };
        const auto end =
            std::find_if_not(formula_.begin() + static_cast<std::ptrdiff_t>(begin), formula_.end(), is_part);
        const std::string name(formula_.begin() + static_cast<std::ptrdiff_t>(begin), end);
        if (const std::optional<BandName> band = band_name(name)) {
            check(*band, name);
            at_ += name.size();
            return builder_.band(band->image - 1, band->band - 1);
        }
        if (const auto function = functions_of_one.find(name); function != functions_of_one.end()) {
            at_ += name.size();
            expect("(");
            const std::size_t argument = choice();
            expect(")");
            return builder_.apply(function->second, {argument});
        }
        if (const auto function = functions_of_some.find(name); function != functions_of_some.end()) {
            at_ += name.size();
            expect("(");
            std::size_t result = choice();
            expect(",");
            do {
                result = builder_.apply(function->second, {result, choice()});
            } while (take(","));
            expect(")");
            return result;
        }
        refuse("expected a band as im1b1, or one of sqrt, exp, ln, abs, min, max, isfinite");
    }

    void check(const BandName& name, const std::string& written) const {
        const std::size_t images = bands_.size();
        if (name.image < 1 || name.image > images) {
            refuse(written + ": there is no image " + std::to_string(name.image) +
                   " (images: " + std::to_string(images) + ")");
        }
        const std::size_t bands = bands_[name.image - 1];
        if (name.band < 1 || name.band > bands) {
            refuse(written + ": image " + std::to_string(name.image) + " has no band " +
                   std::to_string(name.band) + " (bands: " + std::to_string(bands) + ")");
        }
    }

    std::optional<Operation> take_operator(const std::vector<Operator>& operators) {
        for (const Operator& one : operators) {
            if (take(one.text)) {
                return one.operation;
            }
        }
        return std::nullopt;
    }

    bool take(const char* text) {
        skip_spaces();
        const std::size_t length = std::strlen(text);
        if (formula_.compare(at_, length, text) != 0) {
            return false;
        }
        at_ += length;
        return true;
    }

    void expect(const char* text) {
        if (!take(text)) {
            refuse(std::string("expected ") + text);
        }
    }

    void skip_spaces() {
        while (at_ < formula_.size() && std::strchr(" \t\r\n", formula_[at_]) != nullptr) {
            ++at_;
        }
    }

    [[noreturn]] void refuse(const std::string& reason) const {
        throw FormulaError("formula '" + formula_ + "', character " + std::to_string(at_ + 1) + ": " +
                           reason);
    }

    const std::string& formula_;
    const std::vector<std::size_t>& bands_;
    ProgramBuilder builder_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace

Program parse(const std::string& formula, const std::vector<std::size_t>& bands) {
    return Parser(formula, bands).parse();
}

}  // namespace formulas
