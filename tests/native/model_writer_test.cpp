// A model that is written, read again by the reader of model files.

#include "training/model_writer.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "files.hpp"
#include "forest/model_file.hpp"
#include "locales.hpp"

namespace {

using forest_training::Tree;

// Feature 1 <= 0.1 ? class 1 : (feature 0 <= -2 ? class 0 : class 2), and a leaf of class 2.
const std::vector<Tree> two_trees{
    {{0, 1, 1, 0.1F, 4.5}, {1, 1, 0, 0, 0}, {1, 0, 0, -2.0F, 1.5}, {2, 0, 0, 0, 0}, {2, 2, 0, 0, 0}},
    {{0, 2, 0, 0, 0}}};

std::vector<std::uint32_t> votes_of(const fast_forest::Forest& forest, const std::vector<float>& pixel) {
    const float* pixels = pixel.data();
    std::vector<std::uint32_t> votes(forest.classes());
    forest.count_votes(&pixels, 1, votes.data());
    return votes;
}

TEST(ModelWriter, WritesWhatTheReaderReads) {
    const files::TemporaryFolder folder;
    const std::string path = folder.file("model.yaml");
    forest_training::write_model(path, two_trees, {2, 3, 1, 1, 1}, 2, {4, 7, 9});
    EXPECT_TRUE(fast_forest::is_forest(path));
    const fast_forest::Forest forest = fast_forest::read_forest(path);
    EXPECT_EQ(forest.features(), 2U);
    EXPECT_EQ(forest.trees(), 2U);
    EXPECT_EQ(forest.labels(), (std::vector<int>{4, 7, 9}));
    // The threshold comes back to the last bit.
    EXPECT_EQ(votes_of(forest, {0, 0.1F}), (std::vector<std::uint32_t>{0, 1, 1}));
    EXPECT_EQ(votes_of(forest, {-2, 0.11F}), (std::vector<std::uint32_t>{1, 0, 1}));
    EXPECT_EQ(votes_of(forest, {-1, 0.11F}), (std::vector<std::uint32_t>{0, 0, 2}));
}

TEST(ModelWriter, TellsThatAFileCannotBeWritten) {
    const files::TemporaryFolder folder;
    EXPECT_THROW(
        forest_training::write_model(folder.file("no/model.yaml"), two_trees, {2, 3, 1, 1, 1}, 2, {4, 7, 9}),
        std::runtime_error);
}

TEST(ModelWriter, TellsThatTheDiskIsFull) {
    EXPECT_THROW(forest_training::write_model("/dev/full", two_trees, {2, 3, 1, 1, 1}, 2, {4, 7, 9}),
                 std::runtime_error);
}

TEST(ModelWriter, WritesPointsWhateverTheLocale) {
    const files::TemporaryFolder folder;
    const locales::CommaLocale comma(folder.file("locales"));
    ASSERT_STREQ(std::localeconv()->decimal_point, ",");
    const std::string path = folder.file("model.yaml");
    forest_training::write_model(path, two_trees, {2, 3, 1, 1, 1}, 2, {4, 7, 9});
    std::ifstream stream(path);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    EXPECT_NE(text.find("{ var:1, quality:4.50000000e+00, le:1.00000001e-01 }"), std::string::npos) << text;
    EXPECT_NE(text.find("{ var:0, quality:1.50000000e+00, le:-2.00000000e+00 }"), std::string::npos) << text;
    // The reader, too, goes by points.
    EXPECT_EQ(votes_of(fast_forest::read_forest(path), {0, 0.1F}), (std::vector<std::uint32_t>{0, 1, 1}));
}

}  // namespace
