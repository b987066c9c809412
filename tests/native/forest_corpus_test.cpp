// The reader of random forests reads the files that a fuzzer starts from. `make ctest` runs this test with
// sanitizers as well, which find what the reader does not notice itself.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

// The function that the fuzzer calls. It aborts the process on a forest that predicts nonsense.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

TEST(ForestCorpus, BreaksNothing) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(FOREST_CORPUS)) {
        std::ifstream file(entry.path(), std::ios::binary);
        ASSERT_TRUE(file.is_open()) << entry.path();
        const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
        EXPECT_EQ(LLVMFuzzerTestOneInput(bytes.data(), bytes.size()), 0) << entry.path();
        ++count;
    }
    EXPECT_GT(count, 10U);
}

}  // namespace
