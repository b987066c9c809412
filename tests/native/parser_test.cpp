// The language of formulas: what binds how tightly, and what is refused where.

#include "formulas/parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formula.hpp"

namespace {

struct Formula {
    const char* text;
    float value;
};

void PrintTo(const Formula& formula, std::ostream* stream) {
    *stream << formula.text;
}

class Precedence : public testing::TestWithParam<Formula> {};

TEST_P(Precedence, IsThatOfArithmetic) {
    EXPECT_EQ(formula::value(GetParam().text), GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(Formulas, Precedence,
                         testing::Values(Formula{"1 + 2 * 3", 7}, Formula{"(1 + 2) * 3", 9},
                                         Formula{"10 - 4 - 3", 3}, Formula{"8 / 4 / 2", 1},
                                         Formula{"8 / 4 * 2", 4}, Formula{"2 ^ 3 ^ 2", 512},
                                         Formula{"(2 ^ 3) ^ 2", 64}, Formula{"-2 ^ 2", -4},
                                         Formula{"(-2) ^ 2", 4}, Formula{"2 ^ -1", 0.5F},
                                         Formula{"2 * -3", -6}, Formula{"--3", 3}, Formula{"+3", 3},
                                         Formula{"2 - -3", 5}, Formula{"2 * 3 ^ 2", 18}));

INSTANTIATE_TEST_SUITE_P(Conditions, Precedence,
                         testing::Values(Formula{"1 + 1 == 2", 1}, Formula{"1 < 2 == 1", 1},
                                         Formula{"3 > 2 > 1", 0}, Formula{"2 <= 2", 1}, Formula{"2 < 2", 0},
                                         Formula{"2 >= 3", 0}, Formula{"2 != 3", 1},
                                         Formula{"1 || 0 && 0", 1}, Formula{"(1 || 0) && 0", 0},
                                         Formula{"2 > 1 && 3 > 2", 1}, Formula{"5 && 7", 1},
                                         Formula{"0 || -2", 1}, Formula{"0 ? 1 : 2", 2},
                                         Formula{"0 ? 1 : 0 ? 2 : 3", 3}, Formula{"1 ? 0 ? 5 : 6 : 7", 6},
                                         Formula{"1 ? 2 : 3 + 10", 2}, Formula{"1 + 1 == 2 ? 4 : 5", 4}));

INSTANTIATE_TEST_SUITE_P(Numbers, Precedence,
                         testing::Values(Formula{"1e3", 1000}, Formula{".5", 0.5F}, Formula{"2.25", 2.25F},
                                         Formula{"1.5E-1", 0.15F}, Formula{"  7\t", 7}, Formula{"0", 0}));

INSTANTIATE_TEST_SUITE_P(Functions, Precedence,
                         testing::Values(Formula{"min(3, 1, 2)", 1}, Formula{"max(3, 1, 4)", 4},
                                         Formula{"abs(-2)", 2}, Formula{"sqrt(9)", 3}, Formula{"exp(0)", 1},
                                         Formula{"ln(1)", 0}, Formula{"max(min(5, 3), 1 + 1) * 2", 6},
                                         Formula{"-abs(-2) ^ 2", -4}));

TEST(Parser, NamesBandsOfImages) {
    const formulas::Program program = formulas::parse("im2b3 + im1b1 * im2b3", {1, 3});
    ASSERT_EQ(program.bands.size(), 2U);
    EXPECT_EQ(program.bands[0].image, 1U);
    EXPECT_EQ(program.bands[0].band, 2U);
    EXPECT_EQ(program.bands[1].image, 0U);
    EXPECT_EQ(program.bands[1].band, 0U);
}

struct Mistake {
    const char* text;
    // Counted from 1.
    int character;
    const char* reason;
};

void PrintTo(const Mistake& mistake, std::ostream* stream) {
    *stream << mistake.text;
}

class Refusal : public testing::TestWithParam<Mistake> {};

TEST_P(Refusal, NamesTheFormulaThePlaceAndTheReason) {
    try {
        formulas::parse(GetParam().text, {2, 1});
        FAIL() << "was read";
    } catch (const formulas::FormulaError& error) {
        const std::string message = error.what();
        EXPECT_NE(message.find("'" + std::string(GetParam().text) + "'"), std::string::npos) << message;
        EXPECT_NE(message.find("character " + std::to_string(GetParam().character) + ":"), std::string::npos)
            << message;
        EXPECT_NE(message.find(GetParam().reason), std::string::npos) << message;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, Refusal,
    testing::Values(Mistake{"", 1, "expected a number"}, Mistake{"1 +", 4, "expected a number"},
                    Mistake{"1 2", 3, "expected an operator"}, Mistake{"(1", 3, "expected )"},
                    Mistake{"1)", 2, "expected an operator"}, Mistake{"1 ? 2", 6, "expected :"},
                    Mistake{"im3b1", 1, "no image 3"}, Mistake{"im1b3", 1, "no band 3"},
                    Mistake{"im0b1", 1, "no image 0"}, Mistake{"im1b0", 1, "no band 0"},
                    Mistake{"im1", 1, "expected a band"}, Mistake{"im1b1x", 1, "expected a band"},
                    Mistake{"sine(1)", 1, "expected a band"}, Mistake{"sqrt 4", 6, "expected ("},
                    Mistake{"sqrt(4, 1)", 7, "expected )"}, Mistake{"min(1)", 6, "expected ,"},
                    Mistake{"1e999", 1, "64 bits"}, Mistake{"1 & 2", 3, "expected an operator"}));

TEST(Parser, RefusesWhatIsNestedTooDeeply) {
    const std::string open(100000, '(');
    EXPECT_THROW(formulas::parse(open + "1", {1}), formulas::FormulaError);
    EXPECT_THROW(formulas::parse(std::string(100000, '-') + "1", {1}), formulas::FormulaError);
    EXPECT_EQ(formula::value(std::string(300, '(') + "1" + std::string(300, ')')), 1.0F);
}

}  // namespace
