// Parts of a JPEG 2000 file, joined again: each wavelet level is that of the whole file, as GDAL decodes it.

#include "reading/joined_band.hpp"

#include <gdal_priv.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "files.hpp"
#include "reading/wavelet.hpp"

namespace {

using reading::BandFile;
using reading::JoinedBand;
using reading::RasterLevel;
using Pixels = std::vector<std::uint16_t>;

// No multiples of the tiles, so that these are of even and of odd sides.
constexpr int columns = 333;
constexpr int rows = 301;
constexpr std::size_t all_pixels = std::size_t{columns} * rows;

struct Closing {
    void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
};
using Dataset = std::unique_ptr<GDALDataset, Closing>;

// Bright and dark pixels side by side, so that the wavelet undershoots and overshoots.
Pixels ground() {
    Pixels pixels;
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
            const int rough = (row * 7919 + column * 104729) % 4001;
            pixels.push_back(
                static_cast<std::uint16_t>(1 + rough + ((row / 9 + column / 11) % 3 == 0 ? 9000 : 0)));
        }
    }
    return pixels;
}

class JoinedBandTest : public testing::Test {
  protected:
    // Writes the pixels for which `kept` says so, and 0 elsewhere.
    std::string write(const std::string& name, const Pixels& pixels, int tile,
                      const std::function<bool(int, int)>& kept, double left = 600000) {
        GDALAllRegister();
        const std::string path = folder_.file(name);
        Pixels part = pixels;
        for (int row = 0; row < rows; ++row) {
            for (int column = 0; column < columns; ++column) {
                if (!kept(column, row)) {
                    part[static_cast<std::size_t>(row * columns + column)] = 0;
                }
            }
        }
        GDALDriverManager* drivers = GetGDALDriverManager();
        const Dataset memory(
            drivers->GetDriverByName("MEM")->Create("", columns, rows, 1, GDT_UInt16, nullptr));
        std::array<double, 6> transform{left, 10, 0, 4900000, 0, -10};
        EXPECT_EQ(memory->SetGeoTransform(transform.data()), CE_None);
        EXPECT_EQ(memory->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, columns, rows, part.data(), columns,
                                                     rows, GDT_UInt16, 0, 0, nullptr),
                  CE_None);
        CPLStringList options;
        for (const char* side : {"BLOCKXSIZE", "BLOCKYSIZE"}) {
            options.SetNameValue(side, std::to_string(tile).c_str());
        }
        options.SetNameValue("QUALITY", "100");
        options.SetNameValue("REVERSIBLE", "YES");
        options.SetNameValue("RESOLUTIONS", "4");
        const Dataset written(
            drivers->GetDriverByName("JP2OpenJPEG")
                ->CreateCopy(path.c_str(), memory.get(), 0, options.List(), nullptr, nullptr));
        EXPECT_NE(written, nullptr);
        return path;
    }

    static Pixels level_of(const std::string& path, int level) {
        const RasterLevel raster(path, level);
        return raster.read<std::uint16_t>({0, 0, raster.columns(), raster.rows()}, GDT_UInt16);
    }

    static Pixels joined(const std::vector<BandFile>& files, int level) {
        const JoinedBand band(files, level);
        return band.read(0, band.first().rows());
    }

    files::TemporaryFolder folder_;
};

bool all(int, int) {
    return true;
}
// The cut runs across the tiles at a slant, as that of a swath does.
bool western(int column, int row) {
    return 3 * column + row < 700;
}
bool eastern(int column, int row) {
    return !western(column, row);
}

TEST_F(JoinedBandTest, a_level_of_two_parts_is_that_of_the_whole) {
    const Pixels pixels = ground();
    for (const int tile : {64, 128}) {
        const std::string number = std::to_string(tile);
        const std::string whole = write("whole" + number + ".jp2", pixels, tile, all);
        const std::string west = write("west" + number + ".jp2", pixels, tile, western);
        const std::string east = write("east" + number + ".jp2", pixels, tile, eastern);
        for (const int level : {0, 1, 2}) {
            EXPECT_EQ(joined({{west}, {east}}, level), level_of(whole, level)) << tile << ", " << level;
            EXPECT_EQ(joined({{east}, {west}}, level), level_of(whole, level)) << tile << ", " << level;
        }
    }
}

TEST_F(JoinedBandTest, parts_may_have_other_tiles) {
    const Pixels pixels = ground();
    const std::string whole = write("whole.jp2", pixels, 64, all);
    const std::string west = write("west.jp2", pixels, 64, western);
    const std::string east = write("east.jp2", pixels, 128, eastern);
    for (const int level : {0, 1, 2}) {
        EXPECT_EQ(joined({{west}, {east}}, level), level_of(whole, level));
    }
}

TEST_F(JoinedBandTest, a_shift_is_added_where_there_is_data) {
    const Pixels pixels = ground();
    Pixels lower = pixels;
    for (std::uint16_t& pixel : lower) {
        pixel = static_cast<std::uint16_t>(pixel + 1000);
    }
    const auto wedge = [](int column, int row) { return column + row > 150; };
    const std::string whole = write("whole.jp2", lower, 64, wedge);
    const std::string west = write("west.jp2", pixels, 64, [&](int column, int row) {
        return wedge(column, row) && western(column, row);
    });
    const std::string east = write("east.jp2", lower, 64, [&](int column, int row) {
        return wedge(column, row) && eastern(column, row);
    });
    for (const int level : {0, 1, 2}) {
        EXPECT_EQ(joined({{west, 1000}, {east}}, level), level_of(whole, level));
    }
}

TEST_F(JoinedBandTest, a_shift_does_not_pass_the_largest_number) {
    const std::string path = write("bright.jp2", Pixels(all_pixels, 65535), 128, western);
    const Pixels pixels = joined({{path, 1000}}, 0);
    EXPECT_EQ(pixels.front(), 65535);
    EXPECT_EQ(pixels.back(), 0);
}

TEST_F(JoinedBandTest, the_first_file_wins_where_several_have_data) {
    const std::string first = write("first.jp2", Pixels(all_pixels, 7), 64, western);
    const std::string second = write("second.jp2", Pixels(all_pixels, 9), 64, all);
    const Pixels pixels = joined({{first}, {second}}, 0);
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
            ASSERT_EQ(pixels[static_cast<std::size_t>(row * columns + column)], western(column, row) ? 7 : 9);
        }
    }
    EXPECT_EQ(joined({{second}, {first}}, 0), Pixels(all_pixels, 9));
}

TEST_F(JoinedBandTest, rows_are_read_by_tiles) {
    const Pixels pixels = ground();
    const std::string west = write("west.jp2", pixels, 64, western);
    const std::string east = write("east.jp2", pixels, 64, eastern);
    const JoinedBand band({{west}, {east}}, 1);
    EXPECT_EQ(band.tile(), (std::array<int, 2>{32, 32}));
    const Pixels whole = joined({{west}, {east}}, 1);
    const auto begin = whole.begin() + 64 * static_cast<std::ptrdiff_t>(band.first().columns());
    EXPECT_EQ(band.read(64, 64),
              Pixels(begin, begin + 64 * static_cast<std::ptrdiff_t>(band.first().columns())));
}

TEST_F(JoinedBandTest, files_on_other_grids_are_refused) {
    const std::string here = write("here.jp2", ground(), 64, western);
    const std::string there = write("there.jp2", ground(), 64, eastern, 600010);
    EXPECT_THROW(JoinedBand({{here}, {there}}, 0), std::runtime_error);
    EXPECT_THROW(JoinedBand({{here}, {folder_.file("absent.jp2")}}, 0), std::runtime_error);
}

// By hand: of 0 8 4 0 the high-pass half is 8 - (0 + 4) / 2 = 6 and 0 - (4 + 4) / 2 = -4; the low-pass half
// is 0 + floor((6 + 6 + 2) / 4) = 3 and 4 + floor((6 - 4 + 2) / 4) = 5.
TEST(Wavelet, a_level_is_the_low_pass_half) {
    EXPECT_EQ(reading::wavelet_level({4, 1, {0, 8, 4, 0}}, 1).pixels, (std::vector<std::int32_t>{3, 5}));
    EXPECT_EQ(reading::wavelet_level({1, 4, {0, 8, 4, 0}}, 1).pixels, (std::vector<std::int32_t>{3, 5}));
    EXPECT_EQ(reading::wavelet_level({1, 1, {7}}, 3).pixels, (std::vector<std::int32_t>{7}));
}

}  // namespace
