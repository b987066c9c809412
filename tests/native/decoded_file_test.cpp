// Strips of files that GDAL writes here, read back.

#include "reading/decoded_file.hpp"

#include <gdal_priv.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "files.hpp"

namespace {

using reading::DecodedFile;
using reading::DecodingThreads;
using reading::Strips;

std::shared_ptr<DecodedFile> open_file(const std::string& path, int level) {
    return DecodedFile::open({{path}}, level);
}

struct Closing {
    void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
};
using Dataset = std::unique_ptr<GDALDataset, Closing>;

constexpr std::array<double, 6> transform{600000, 10, 0, 4900000, 0, -10};

// A GeoTIFF of one band, in blocks of so many rows.
template <class Pixel>
Dataset geotiff(const std::string& path, int columns, int rows, GDALDataType type, std::vector<Pixel> pixels,
                int block_rows) {
    GDALAllRegister();
    CPLStringList options;
    options.SetNameValue("BLOCKYSIZE", std::to_string(block_rows).c_str());
    options.SetNameValue("COMPRESS", "DEFLATE");
    GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
    Dataset dataset(driver->Create(path.c_str(), columns, rows, 1, type, options.List()));
    std::array<double, 6> placed = transform;
    EXPECT_EQ(dataset->SetGeoTransform(placed.data()), CE_None);
    EXPECT_EQ(dataset->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, columns, rows, pixels.data(), columns, rows,
                                                  type == GDT_Byte ? GDT_UInt16 : type, 0, 0, nullptr),
              CE_None);
    return dataset;
}

std::vector<std::uint16_t> numbered(int columns, int rows, int below) {
    std::vector<std::uint16_t> pixels;
    for (int pixel = 0; pixel < columns * rows; ++pixel) {
        pixels.push_back(static_cast<std::uint16_t>(pixel * 7919 % below));
    }
    return pixels;
}

// Expects whole strips of whole-number pixels, one after the other, that hold the rows asked for.
void expect_rows(const Strips& strips, const std::vector<std::uint16_t>& pixels, int columns, int first,
                 int end) {
    ASSERT_FALSE(strips.empty());
    EXPECT_LE(strips.front()->first, first);
    EXPECT_GE(strips.back()->first + strips.back()->rows, end);
    int next = strips.front()->first;
    for (const auto& strip : strips) {
        EXPECT_EQ(strip->first, next);
        next += strip->rows;
        const auto begin = pixels.begin() + static_cast<std::ptrdiff_t>(strip->first) * columns;
        EXPECT_EQ(
            std::get<std::vector<std::uint16_t>>(strip->pixels),
            std::vector<std::uint16_t>(begin, begin + static_cast<std::ptrdiff_t>(strip->rows) * columns));
    }
}

class DecodedFileTest : public testing::Test {
  protected:
    std::string whole_numbers(int columns, int rows) {
        const std::string path = folder_.file("whole.tif");
        pixels_ = numbered(columns, rows, 65536);
        geotiff(path, columns, rows, GDT_UInt16, pixels_, 16);
        return path;
    }

    files::TemporaryFolder folder_;
    std::vector<std::uint16_t> pixels_;
    DecodingThreads threads_{2};
};

TEST_F(DecodedFileTest, TellsWhereItsPixelsLie) {
    const auto file = open_file(whole_numbers(30, 20), 0);
    EXPECT_EQ(file->columns(), 30);
    EXPECT_EQ(file->rows(), 20);
    EXPECT_EQ(file->corner(), (std::array<double, 2>{600000, 4900000}));
    EXPECT_EQ(file->spacing(), (std::array<double, 2>{10, -10}));
    EXPECT_EQ(file->reach(), (std::array<double, 2>{0, 0}));
}

TEST_F(DecodedFileTest, IsReadFromTheTopToTheBottom) {
    const auto file = open_file(whole_numbers(30, 500), 0);
    file->begin(threads_);
    for (int first = 0; first < 500; first += 50) {
        expect_rows(file->read(first, first + 50, threads_), pixels_, 30, first, first + 50);
    }
}

// Blocks of 16 rows are decoded 128 rows at a time.
TEST_F(DecodedFileTest, IsCutIntoStripsOfWholeBlocks) {
    const auto file = open_file(whole_numbers(30, 300), 0);
    const Strips all = file->read(0, 300, threads_);
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0]->rows, 128);
    EXPECT_EQ(all[1]->first, 128);
    EXPECT_EQ(all[2]->rows, 44);
    const Strips middle = file->read(127, 129, threads_);
    ASSERT_EQ(middle.size(), 2U);
    EXPECT_EQ(file->read(128, 256, threads_).size(), 1U);
}

TEST_F(DecodedFileTest, MayBeReadInAnyOrder) {
    const auto file = open_file(whole_numbers(30, 700), 0);
    for (const int first : {600, 0, 300, 310, 0, 650, 128}) {
        expect_rows(file->read(first, first + 20, threads_), pixels_, 30, first, first + 20);
    }
}

TEST_F(DecodedFileTest, DecodesAStripOnceForReadersThatFollowEachOther) {
    const auto file = open_file(whole_numbers(30, 500), 0);
    const Strips before = file->read(0, 128, threads_);
    const Strips after = file->read(128, 256, threads_);
    // The strip above is still there.
    EXPECT_EQ(file->read(100, 256, threads_), (Strips{before.front(), after.front()}));
}

TEST_F(DecodedFileTest, MayBeReadBySeveralThreads) {
    const auto file = open_file(whole_numbers(30, 900), 0);
    std::vector<std::thread> readers;
    for (int reader = 0; reader < 4; ++reader) {
        readers.emplace_back([&, reader] {
            for (int first = reader * 10; first + 10 <= 900; first += 40) {
                expect_rows(file->read(first, first + 10, threads_), pixels_, 30, first, first + 10);
            }
        });
    }
    for (std::thread& reader : readers) {
        reader.join();
    }
}

TEST_F(DecodedFileTest, HoldsBytesAsWholeNumbers) {
    const std::string path = folder_.file("bytes.tif");
    const std::vector<std::uint16_t> pixels = numbered(20, 40, 256);
    geotiff(path, 20, 40, GDT_Byte, pixels, 8);
    expect_rows(open_file(path, 0)->read(0, 40, threads_), pixels, 20, 0, 40);
}

TEST_F(DecodedFileTest, HoldsFloatsAsTheyAre) {
    const std::string path = folder_.file("floats.tif");
    const std::vector<float> pixels{0.1F, -5e20F, std::numeric_limits<float>::infinity(), 3, 4, 1e-40F};
    geotiff(path, 3, 2, GDT_Float32, pixels, 1);
    const Strips strips = open_file(path, 0)->read(0, 2, threads_);
    ASSERT_EQ(strips.size(), 1U);
    EXPECT_EQ(std::get<std::vector<float>>(strips.front()->pixels), pixels);
}

// GDAL's overviews stand for wavelet levels, which keep every second sample, from the first. The centre of a
// level's first pixel is that of the file's first pixel.
TEST_F(DecodedFileTest, ReadsALevel) {
    const std::string path = folder_.file("levels.tif");
    const std::vector<std::uint16_t> pixels = numbered(30, 21, 65536);
    Dataset dataset = geotiff(path, 30, 21, GDT_UInt16, pixels, 16);
    std::array<int, 2> factors{2, 4};
    ASSERT_EQ(dataset->BuildOverviews("NEAREST", 2, factors.data(), 0, nullptr, nullptr, nullptr), CE_None);
    std::vector<std::uint16_t> of_level(165);
    ASSERT_EQ(dataset->GetRasterBand(1)->GetOverview(0)->RasterIO(GF_Read, 0, 0, 15, 11, of_level.data(), 15,
                                                                  11, GDT_UInt16, 0, 0, nullptr),
              CE_None);
    dataset.reset();
    const auto file = open_file(path, 1);
    EXPECT_EQ(file->columns(), 15);
    EXPECT_EQ(file->rows(), 11);
    EXPECT_EQ(file->spacing(), (std::array<double, 2>{20, -20}));
    // Half of what a pixel is wider, that is 5 m, to the left and up.
    EXPECT_EQ(file->corner(), (std::array<double, 2>{599995, 4900005}));
    // 30 columns of 10 m and 5 m to their left are 15.25 pixels of 20 m; 21 rows are 10.75 of them, and no
    // more than the 11 rows.
    EXPECT_DOUBLE_EQ(file->reach()[0], 0.25);
    EXPECT_DOUBLE_EQ(file->reach()[1], 0);
    expect_rows(file->read(0, 11, threads_), of_level, 15, 0, 11);
    EXPECT_THROW(open_file(path, 3), std::runtime_error);
}

TEST_F(DecodedFileTest, IsTheSameForAllWhoReadItAtATime) {
    const std::string path = whole_numbers(30, 20);
    auto file = open_file(path, 0);
    EXPECT_EQ(open_file(path, 0), file);
    const std::weak_ptr<DecodedFile> closed = file;
    file.reset();
    EXPECT_TRUE(closed.expired());
    // Other pixels are there now, and are read.
    pixels_ = numbered(30, 20, 1000);
    geotiff(path, 30, 20, GDT_UInt16, pixels_, 16);
    expect_rows(open_file(path, 0)->read(0, 20, threads_), pixels_, 30, 0, 20);
}

std::string refusal(const std::string& path) {
    try {
        open_file(path, 0);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "was opened";
}

TEST_F(DecodedFileTest, IsRefusedWhereItIsNotThere) {
    const std::string path = folder_.file("absent.tif");
    EXPECT_EQ(refusal(path).rfind(path + ": cannot be read", 0), 0U) << refusal(path);
}

TEST_F(DecodedFileTest, IsRefusedWithoutAPlaceOnTheGround) {
    const std::string path = folder_.file("turned.tif");
    Dataset dataset = geotiff(path, 4, 4, GDT_UInt16, numbered(4, 4, 100), 1);
    std::array<double, 6> turned{0, 1, 0.5, 0, 0.5, -1};
    ASSERT_EQ(dataset->SetGeoTransform(turned.data()), CE_None);
    dataset.reset();
    EXPECT_NE(refusal(path).find("rotated"), std::string::npos) << refusal(path);
    const std::string plain = folder_.file("plain.tif");
    GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
    dataset.reset(driver->Create(plain.c_str(), 2, 2, 1, GDT_Byte, nullptr));
    dataset.reset();
    EXPECT_NE(refusal(plain).find("not georeferenced"), std::string::npos) << refusal(plain);
}

// Whoever reads gets the error of the thread that decodes.
TEST_F(DecodedFileTest, ThrowsWhereABlockIsDamaged) {
    const std::string path = whole_numbers(200, 600);
    {
        std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
        stream.seekp(0, std::ios::end);
        const auto size = stream.tellp();
        stream.seekp(static_cast<std::streamoff>(size) / 2);
        stream << std::string(20000, '\0');
    }
    const auto file = open_file(path, 0);
    EXPECT_THROW(file->read(0, 600, threads_), std::runtime_error);
}

}  // namespace
