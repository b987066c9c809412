// Means of squares of pixels, computed by hand.

#include "writing/average.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using writing::averaged;
using Values = std::vector<float>;

const Values three_by_five{1,  2,  3,  4,  5,   //
                           6,  7,  8,  9,  10,  //
                           11, 12, 13, 14, 15};

TEST(Average, IsTheMeanOfASquare) {
    EXPECT_EQ(averaged({4, 2, Values{1, 2, 3, 4, 5, 6, 7, 8}.data(), 4}, 2), (Values{3.5F, 5.5F}));
}

TEST(Average, IsTheMeanOfWhatIsThereAtTheEdges) {
    // (1 + 2 + 6 + 7) / 4, (3 + 4 + 8 + 9) / 4, (5 + 10) / 2, (11 + 12) / 2, (13 + 14) / 2, 15.
    EXPECT_EQ(averaged({5, 3, three_by_five.data(), 5}, 2), (Values{4, 6, 7.5F, 11.5F, 13.5F, 15}));
}

TEST(Average, GoesFromRowToRowByTheStride) {
    // The first four columns.
    EXPECT_EQ(averaged({4, 2, three_by_five.data(), 5}, 2), (Values{4, 6}));
}

TEST(Average, OfFactorOneIsTheImage) {
    EXPECT_EQ(averaged({5, 3, three_by_five.data(), 5}, 1), three_by_five);
}

TEST(Average, OfAFactorLargerThanTheImageIsItsMean) {
    EXPECT_EQ(averaged({5, 3, three_by_five.data(), 5}, 8), (Values{8}));
}

}  // namespace
