// Stacks that are written, and what is told where the disk is full.

#include "writing/strip_writer.hpp"

#include <gdal_priv.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <limits>
#include <string>
#include <vector>

#include "files.hpp"
#include "images.hpp"

namespace {

using writing::StripWriter;

constexpr int side = 64;

// A raster of that size and no pixels.
std::string likeness(const files::TemporaryFolder& folder) {
    return folder.write("like.vrt", R"(<VRTDataset rasterXSize="64" rasterYSize="64">)"
                                    R"(<VRTRasterBand dataType="Float32" band="1"/></VRTDataset>)");
}

// 0, 1, 2 and so on.
std::vector<float> counted() {
    std::vector<float> values;
    for (int pixel = 0; pixel < side * side; ++pixel) {
        values.push_back(static_cast<float>(pixel));
    }
    return values;
}

// Files may grow to so many bytes, for as long as it lives: a disk that is full.
class LargestFile {
  public:
    explicit LargestFile(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limited{bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limited);
    }
    ~LargestFile() { setrlimit(RLIMIT_FSIZE, &before_); }
    LargestFile(const LargestFile&) = delete;
    LargestFile& operator=(const LargestFile&) = delete;

  private:
    rlimit before_{};
};

class StripWriting : public testing::Test {
  protected:
    StripWriting() { GDALAllRegister(); }

    // Writes an image, at once or only when the file is closed, as GDAL keeps blocks as long as it can.
    void write(const std::string& path) {
        const auto image = images_of::values<float>(side, side, counted());
        const auto writer = StripWriter::New();
        writer->AddFile(path, likeness(folder_), {"TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"}, {});
        writer->AddLayer(image);
        writer->Write();
    }

    files::TemporaryFolder folder_;
};

TEST_F(StripWriting, WritesThePixels) {
    const std::string path = folder_.file("stack.tif");
    write(path);
    GDALDatasetH dataset = GDALOpen(path.c_str(), GA_ReadOnly);
    ASSERT_NE(dataset, nullptr);
    std::vector<float> values(counted().size());
    EXPECT_EQ(GDALRasterIO(GDALGetRasterBand(dataset, 1), GF_Read, 0, 0, side, side, values.data(), side,
                           side, GDT_Float32, 0, 0),
              CE_None);
    GDALClose(dataset);
    EXPECT_EQ(values, counted());
}

TEST_F(StripWriting, CountsWhatWholeNumbersDoNotHold) {
    // The first pixel has no value; then come values that fit to rounding, and three that do not.
    const std::vector<float> values{
        std::numeric_limits<float>::quiet_NaN(), 32767.4F, -32767.4F, 32768.0F, 1e9F, -32768.0F, 12.0F, 0.0F};
    for (const bool with_no_data : {false, true}) {
        const std::string no_data = with_no_data ? "<NoDataValue>-32768</NoDataValue>" : "";
        const std::string like = folder_.write("whole.vrt", R"(<VRTDataset rasterXSize="4" rasterYSize="2">)"
                                                            R"(<VRTRasterBand dataType="Int16" band="1">)" +
                                                                no_data + "</VRTRasterBand></VRTDataset>");
        const std::string path = folder_.file("whole.tif");
        const auto image = images_of::values<float>(4, 2, values);
        const auto writer = StripWriter::New();
        writer->AddFile(path, like, {}, {});
        writer->AddLayer(image);
        writer->Write();
        auto* dataset = static_cast<GDALDataset*>(GDALOpen(path.c_str(), GA_ReadOnly));
        ASSERT_NE(dataset, nullptr);
        GDALRasterBand& band = *dataset->GetRasterBand(1);
        std::array<int, 8> stored{};
        ASSERT_EQ(band.RasterIO(GF_Read, 0, 0, 4, 2, stored.data(), 4, 2, GDT_Int32, 0, 0, nullptr), CE_None);
        const int least = with_no_data ? -32767 : -32768;
        const std::array<int, 8> expected{
            with_no_data ? -32768 : 0, 32767, -32767, 32767, 32767, least, 12, 0};
        EXPECT_EQ(stored, expected);
        ASSERT_NE(band.GetMetadataItem("CLIPPED"), nullptr);
        EXPECT_STREQ(band.GetMetadataItem("CLIPPED"), with_no_data ? "3" : "2");
        GDALClose(dataset);
    }
}

TEST_F(StripWriting, TellsWhatCouldNotBeWrittenAtTheLastMoment) {
    const std::string path = folder_.file("stack.tif");
    // Room for the header and a part of the only block, which is written when the file is closed.
    const LargestFile limit(4096);
    try {
        write(path);
        FAIL() << "nothing was thrown";
    } catch (const itk::ExceptionObject& error) {
        EXPECT_NE(std::string(error.GetDescription()).find(path + ": cannot be written ("), std::string::npos)
            << error.GetDescription();
    }
}

}  // namespace
