#include <otbWrapperApplication.h>
#include <otbWrapperApplicationFactory.h>

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "band_source.hpp"

namespace otb {
namespace Wrapper {
namespace {

constexpr int largest_shift = 65535;

}  // namespace

// A band of a product on a grid, decoded while others compute.
class BandReading : public Application {
  public:
    using Self = BandReading;
    using Superclass = Application;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(BandReading, otb::Wrapper::Application);

  private:
    void DoInit() override {
        SetName("BandReading");
        SetDescription("Reads the first band of a raster on the grid of another one");
        SetDocLongDescription(
            "Decodes a raster from the top to the bottom, in threads of its own and ahead of who reads the "
            "image, "
            "and brings it onto a grid: averaged over its pixels that have data where the grid is coarser, "
            "interpolated bilinearly where it is finer. Images of several grids that are made of the same "
            "file share "
            "what is decoded.");
        SetDocLimitations(
            "Both have square pixels and the same coordinate reference system. Whoever reads the image from "
            "the top "
            "to the bottom has each pixel decoded once.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("Superimpose, StackWriting");
        AddDocTag("Miscellaneous");

        AddParameter(ParameterType_String, "in", "Raster, by any name that GDAL knows");
        AddParameter(
            ParameterType_StringList, "others",
            "Further JPEG 2000 files of the same band on the same grid: each pixel is of the first file "
            "whose number is not 0");
        MandatoryOff("others");
        AddParameter(
            ParameterType_StringList, "shifts",
            "Whole numbers from 0 that are added to the numbers of each file, but to 0: first of in");
        MandatoryOff("shifts");
        AddParameter(ParameterType_InputImage, "like", "Image of the grid, which need hold no pixels");
        AddParameter(ParameterType_Int, "level", "Wavelet level of a JPEG 2000 file; 0 is the whole");
        SetDefaultParameterInt("level", 0);
        SetMinimumParameterIntValue("level", 0);
        AddParameter(ParameterType_Double, "scale", "What the raster's numbers are multiplied by");
        SetParameterDouble("scale", 1, false);
        AddParameter(ParameterType_Double, "offset", "What is then added");
        SetParameterDouble("offset", 0, false);
        AddParameter(ParameterType_Double, "nodata",
                     "The raster's number that means no data, beside NaN and infinity");
        MandatoryOff("nodata");
        AddParameter(ParameterType_Bool, "nearest", "Take the pixel under the centre, whatever the grid");
        AddParameter(ParameterType_OutputImage, "out", "Image; NaN where there is no data");
        SetDefaultOutputPixelType("out", ImagePixelType_float);
        AddParameter(ParameterType_Int, "threads",
                     "Threads that decode; 0: as many as GDAL_NUM_THREADS says");
        SetDefaultParameterInt("threads", 0);
        SetMinimumParameterIntValue("threads", 0);
        AddRAMParameter();
    }

    void DoUpdateParameters() override {}

    void DoExecute() override {
        source_ = reading::BandSource::New();
        source_->SetFiles(files(), GetParameterInt("level"), GetParameterInt("threads"));
        source_->SetLikeness(GetParameterFloatVectorImage("like"));
        const std::optional<double> no_data =
            HasValue("nodata") ? std::optional(GetParameterDouble("nodata")) : std::nullopt;
        source_->SetRadiometry({GetParameterDouble("scale"), GetParameterDouble("offset"), no_data});
        source_->SetNearest(GetParameterInt("nearest") != 0);
        SetParameterOutputImage("out", source_->GetOutput());
    }

    std::vector<reading::BandFile> files() {
        std::vector<reading::BandFile> files{{GetParameterString("in")}};
        if (HasValue("others")) {
            for (const std::string& path : GetParameterStringList("others")) {
                files.push_back({path});
            }
        }
        const auto shifts =
            HasValue("shifts") ? GetParameterStringList("shifts") : std::vector<std::string>();
        if (!shifts.empty() && shifts.size() != files.size()) {
            itkExceptionMacro(<< "shifts: " << shifts.size() << " numbers are given for " << files.size()
                              << " files");
        }
        for (std::size_t number = 0; number < shifts.size(); ++number) {
            const std::string& text = shifts[number];
            int& shift = files[number].shift;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), shift);
            if (error != std::errc() || end != text.data() + text.size() || shift < 0 ||
                shift > largest_shift) {
                itkExceptionMacro(<< "shifts: " << text << " is not a whole number from 0 to "
                                  << largest_shift);
            }
        }
        return files;
    }

    reading::BandSource::Pointer source_;
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::BandReading)
