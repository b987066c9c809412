// Copies of JPEG 2000 files by which OpenJPEG tells damaged code-blocks.

#include "reading/checked_copy.hpp"

#include <gdal_priv.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "files.hpp"
#include "reading/decoded_file.hpp"

namespace {

using reading::CheckedCopy;
using reading::CodeBlockDamage;
using reading::DecodedFile;
using reading::DecodingThreads;

struct Closing {
    void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
};
using Dataset = std::unique_ptr<GDALDataset, Closing>;
using Pixels = std::vector<std::uint16_t>;

constexpr int side = 200;

Pixels ground() {
    Pixels pixels;
    std::uint32_t state = 1;
    for (int pixel = 0; pixel < side * side; ++pixel) {
        state = state * 1664525U + 1013904223U;
        const double smooth = 2000 + 900 * std::sin(pixel % side / 17.0) * std::cos(pixel / (23.0 * side));
        pixels.push_back(static_cast<std::uint16_t>(smooth + (state >> 26U)));
    }
    return pixels;
}

Pixels decoded(const std::string& path) {
    const Dataset dataset(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER));
    Pixels pixels(std::size_t{side} * side);
    if (dataset == nullptr ||
        dataset->GetRasterBand(1)->RasterIO(GF_Read, 0, 0, side, side, pixels.data(), side, side, GDT_UInt16,
                                            0, 0, nullptr) != CE_None) {
        throw std::runtime_error(CPLGetLastErrorMsg());
    }
    return pixels;
}

class CheckedCopyTest : public testing::Test {
  protected:
    void SetUp() override {
        GDALAllRegister();
        Pixels pixels = ground();
        const Dataset memory(
            GetGDALDriverManager()->GetDriverByName("MEM")->Create("", side, side, 1, GDT_UInt16, nullptr));
        std::array<double, 6> transform{600000, 10, 0, 4900000, 0, -10};
        ASSERT_EQ(memory->SetGeoTransform(transform.data()), CE_None);
        ASSERT_EQ(memory->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, side, side, pixels.data(), side, side,
                                                     GDT_UInt16, 0, 0, nullptr),
                  CE_None);
        CPLStringList options;
        options.SetNameValue("REVERSIBLE", "YES");
        options.SetNameValue("QUALITY", "100");
        path_ = folder_.file("a & b <1>.jp2");
        const Dataset written(
            GetGDALDriverManager()
                ->GetDriverByName("JP2OpenJPEG")
                ->CreateCopy(path_.c_str(), memory.get(), FALSE, options.List(), nullptr, nullptr));
        ASSERT_NE(written, nullptr);
    }

    std::string content() const {
        std::ifstream stream(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    }

    files::TemporaryFolder folder_;
    std::string path_;
    DecodingThreads threads_{1};
};

TEST_F(CheckedCopyTest, HasTheSamePixels) {
    const CheckedCopy copy(path_);
    ASSERT_FALSE(copy.path().empty());
    EXPECT_EQ(decoded(copy.path()), ground());
}

TEST_F(CheckedCopyTest, LeavesNothingInMemory) {
    std::string path;
    {
        const CheckedCopy copy(path_);
        path = copy.path();
    }
    VSIStatBufL status{};
    EXPECT_NE(VSIStatL(path.c_str(), &status), 0);
}

TEST_F(CheckedCopyTest, IsOfWholeJpeg2000FilesAlone) {
    const std::string whole = content();
    EXPECT_TRUE(CheckedCopy(folder_.file("absent.jp2")).path().empty());
    EXPECT_TRUE(CheckedCopy(folder_.write("text.jp2", "a text")).path().empty());
    EXPECT_TRUE(CheckedCopy(folder_.write("empty.jp2", "")).path().empty());
    // Cut within the boxes, and within the main header.
    const std::size_t codestream = whole.find("\xFF\x4F\xFF\x51");
    ASSERT_NE(codestream, std::string::npos);
    for (const std::size_t length : {std::size_t{20}, codestream - 6, codestream + 1, codestream + 60}) {
        EXPECT_TRUE(CheckedCopy(folder_.write("cut.jp2", whole.substr(0, length))).path().empty()) << length;
    }
}

TEST_F(CheckedCopyTest, HasNoneWhereCodeBlocksAreOfAnotherKind) {
    std::string other = content();
    const std::size_t style = other.find("\xFF\x52") + 12;
    other[style] = 0x40;
    EXPECT_TRUE(CheckedCopy(folder_.write("other.jp2", other)).path().empty());
}

TEST_F(CheckedCopyTest, LetsADecodedFileFindDamage) {
    EXPECT_NO_THROW(DecodedFile::open({{path_, 0}}, 0)->read(0, side, threads_));
    std::string damaged = content();
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x10);
    const auto file = DecodedFile::open({{folder_.write("damaged.jp2", damaged), 0}}, 0);
    try {
        file->read(0, side, threads_);
        FAIL() << "the damage is not found";
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find("damaged.jp2: is damaged: a code-block has "),
                  std::string::npos)
            << error.what();
    }
}

TEST(CodeBlockDamageTest, AllowsWhatEncodersDo) {
    CodeBlockDamage damage;
    damage.note("PTERM check failure: 1 remaining bytes in code block (9 used / 12)");
    damage.note("PTERM check failure: 16 synthetized 0xFF markers read");
    damage.note("another warning, of 99 remaining bytes");
    EXPECT_FALSE(damage.first());
}

TEST(CodeBlockDamageTest, NamesTheFirst) {
    CodeBlockDamage damage;
    damage.note("PTERM check failure: 2 remaining bytes in code block (9 used / 13)");
    damage.note("PTERM check failure: 40 synthetized 0xFF markers read");
    EXPECT_EQ(damage.first(), "a code-block has 2 bytes more than its symbols take");
    CodeBlockDamage other;
    other.note("PTERM check failure: 40 synthesized 0xFF markers read");
    EXPECT_EQ(other.first(), "a code-block has 40 bytes less than its symbols take");
}

}  // namespace
