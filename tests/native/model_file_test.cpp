// Reading random forests from model files that are written here by hand.

#include "forest/model_file.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "files.hpp"

namespace {

using fast_forest::Forest;
using fast_forest::ModelError;
using fast_forest::parse_forest;
using Votes = std::vector<std::uint32_t>;

// Two trees over two features. The first: feature 0 <= 0.25 ? class 1 (9) : (feature 1 <= -3 ? class 0 (3) :
// class 1 (9)). The second is the leaf of class 0.
const std::string whole_model = R"(%YAML:1.0
---
opencv_ml_rtrees:
   format: 3
   is_classifier: 1
   var_all: 3
   var_count: 2
   var_idx: [ 0, 1 ]
   var_type: [ 0, 0, 1 ]
   class_labels: [ 3, 9 ]
   missing_subst: [ 1.5e+00, 2., 0. ]
   ntrees: 2
   trees:
      -
         nodes:
            -
               depth: 0
               value: 9.
               norm_class_idx: 1
               splits:
                  - { var:0, quality:1., le:2.5e-01 }
            -
               depth: 1
               value: 9.
               norm_class_idx: 1
            -
               depth: 1
               value: 9.
               norm_class_idx: 1
               splits:
                  - { var:1, quality:1., le:-3. }
            -
               depth: 2
               value: 3.
               norm_class_idx: 0
            -
               depth: 2
               value: 9.
               norm_class_idx: 1
      -
         nodes:
            -
               depth: 0
               value: 3.
               norm_class_idx: 0
)";

std::string with(const std::string& before, const std::string& after) {
    std::string text = whole_model;
    const std::size_t place = text.find(before);
    EXPECT_NE(place, std::string::npos) << before;
    return text.replace(place, before.size(), after);
}

Votes votes_of(const Forest& forest, const std::vector<float>& pixel) {
    const float* pixels = pixel.data();
    Votes votes(forest.classes());
    forest.count_votes(&pixels, 1, votes.data());
    return votes;
}

// The message of the refusal.
std::string refusal(const std::string& text) {
    try {
        parse_forest(text, "model.txt");
    } catch (const ModelError& error) {
        return error.what();
    }
    return "was read";
}

TEST(ModelFile, HoldsTheForestThatWasWritten) {
    const Forest forest = parse_forest(whole_model, "model.txt");
    EXPECT_EQ(forest.features(), 2U);
    EXPECT_EQ(forest.trees(), 2U);
    EXPECT_EQ(forest.labels(), (std::vector<int>{3, 9}));
    EXPECT_EQ(votes_of(forest, {0.25F, 0.0F}), (Votes{1, 1}));
    EXPECT_EQ(votes_of(forest, {0.5F, -3.0F}), (Votes{2, 0}));
    EXPECT_EQ(votes_of(forest, {0.5F, -2.9F}), (Votes{1, 1}));
}

TEST(ModelFile, HoldsWhatStandsForMissingValues) {
    const Forest forest = parse_forest(with("1.5e+00", "0.1"), "model.txt");
    const float missing = std::numeric_limits<float>::max();
    const std::vector<float> pixel{missing, -4.0F};
    EXPECT_EQ(votes_of(forest, pixel), (Votes{2, 0}));
    // With 0.1 in the place of the missing value, the first tree votes for class 1, and the first class wins.
    EXPECT_EQ(forest.label(pixel.data(), votes_of(forest, pixel).data()), 3);
    const Forest other =
        parse_forest(with("      -\n         nodes:\n            -\n               depth: 0\n"
                          "               value: 3.\n               norm_class_idx: 0\n",
                          "      -\n         nodes:\n            -\n               depth: 0\n"
                          "               value: 9.\n               norm_class_idx: 1\n"),
                     "model.txt");
    EXPECT_EQ(votes_of(other, {0.5F, -4.0F}), (Votes{1, 1}));
    EXPECT_EQ(votes_of(other, {0.1F, -4.0F}), (Votes{0, 2}));
}

TEST(ModelFile, MayGiveABoundAsGreaterThan) {
    const Forest forest = parse_forest(with("le:2.5e-01", "gt:2.5e-01"), "model.txt");
    EXPECT_EQ(votes_of(forest, {0.25F, 0.0F}), (Votes{1, 1}));
    EXPECT_EQ(votes_of(forest, {0.26F, -4.0F}), (Votes{2, 0}));
}

TEST(ModelFile, MayHaveLineEndsOfWindows) {
    std::string text;
    for (const char character : whole_model) {
        text += character == '\n' ? std::string("\r\n") : std::string(1, character);
    }
    EXPECT_EQ(parse_forest(text, "model.txt").trees(), 2U);
}

TEST(ModelFile, IsRefusedWithItsNameAndTheReason) {
    const std::string message = refusal(with("is_classifier: 1", "is_classifier: 0"));
    EXPECT_EQ(message.rfind("model.txt: ", 0), 0U) << message;
    EXPECT_NE(message.find("is not a classifier"), std::string::npos) << message;
}

struct Damage {
    const char* name;
    const char* before;
    const char* after;
    const char* reason;
};

void PrintTo(const Damage& damage, std::ostream* stream) {
    *stream << damage.name;
}

class DamagedModelFile : public testing::TestWithParam<Damage> {};

INSTANTIATE_TEST_SUITE_P(
    Each, DamagedModelFile,
    testing::Values(Damage{"Marker", "%YAML", "%JSON", "is not YAML"},
                    Damage{"Forest", "opencv_ml_rtrees", "opencv_ml_boost", "does not begin with"},
                    Damage{"TreeCount", "ntrees: 2", "ntrees: 3", "as many trees"},
                    Damage{"WordForNumber", "ntrees: 2", "ntrees: two", "not a whole number"},
                    Damage{"Features", "var_type: [ 0, 0, 1 ]", "var_type: [ 0, 1, 1 ]", "not numbers"},
                    Damage{"SomeFeatures", "var_idx: [ 0, 1 ]", "var_idx: [ 0, 2 ]", "some of its features"},
                    Damage{"UnknownFeature", "var:1", "var:2", "feature"},
                    Damage{"UnknownClass", "value: 3.\n               norm_class_idx: 0",
                           "value: 3.\n               norm_class_idx: 2", "class"},
                    Damage{"NoClass", "norm_class_idx: 0", "norm_class_idx: -1", "no class"},
                    Damage{"NoBound", ", le:-3. }", " }", "number"},
                    Damage{"Brackets", "[ 3, 9 ]", "[ 3, 9 ]]", "brackets"},
                    Damage{"Quotes", "[ 3, 9 ]", "[ 3, \"9\" ]", "character"},
                    Damage{"Documents", "   ntrees: 2", "...\n   ntrees: 2", "more than one document"}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_P(DamagedModelFile, IsRefused) {
    const std::string message = refusal(with(GetParam().before, GetParam().after));
    EXPECT_NE(message.find(GetParam().reason), std::string::npos) << message;
}

TEST(ModelFile, IsRefusedWhereATreeIsCutOff) {
    const std::size_t second_tree = whole_model.rfind("      -\n         nodes");
    const std::size_t last_leaf = whole_model.rfind("            -\n", second_tree);
    const std::string cut = whole_model.substr(0, last_leaf) + whole_model.substr(second_tree);
    EXPECT_NE(refusal(cut).find("lacks a node"), std::string::npos) << refusal(cut);
}

TEST(ModelFile, IsReadFromDisk) {
    const files::TemporaryFolder folder;
    const std::string path = folder.write("model.txt", whole_model);
    EXPECT_TRUE(fast_forest::is_forest(path));
    EXPECT_EQ(votes_of(fast_forest::read_forest(path), {0.5F, -3.0F}), (Votes{2, 0}));
}

TEST(ModelFile, IsNoForestIfItHoldsSomethingElse) {
    const files::TemporaryFolder folder;
    EXPECT_FALSE(fast_forest::is_forest(folder.file("absent.txt")));
    EXPECT_FALSE(fast_forest::is_forest(folder.write("empty.txt", "")));
    EXPECT_FALSE(
        fast_forest::is_forest(folder.write("regression.txt", with("is_classifier: 1", "is_classifier: 0"))));
    EXPECT_FALSE(fast_forest::is_forest(folder.write("text.txt", "A forest has trees.\n")));
    EXPECT_THROW(fast_forest::read_forest(folder.file("absent.txt")), ModelError);
}

}  // namespace
