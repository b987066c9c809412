#pragma once

#include <gdal_priv.h>
#include <itkImageBase.h>
#include <itkProcessObject.h>

#include <memory>
#include <string>
#include <vector>

#include "average.hpp"

namespace writing {

// Pulls images of one place, but of any size, strip by strip, and writes each to a band of a file. Images
// that read the same file find its blocks in GDAL's cache, whatever their sizes are. The first overview of a
// file is written with it, the others at the end, each from the one before.
class StripWriter : public itk::ProcessObject {
  public:
    using Image = itk::ImageBase<2>;

    using Self = StripWriter;
    using Superclass = itk::ProcessObject;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(StripWriter, itk::ProcessObject);

    // Adds a GeoTIFF to be made, to whose bands the images added hereafter go: of the size, the bands and the
    // metadata of `likeness`, a raster that need hold no pixels. overviews: factors, from the smallest.
    // Throws itk::ExceptionObject where it cannot be made.
    void AddFile(const std::string& path, const std::string& likeness,
                 const std::vector<std::string>& options, const std::vector<int>& overviews);
    // Pixels must be 32-bit floats of one component, and as many as the file's.
    void AddLayer(Image* image);
    // Of the file with the fewest rows, at a time.
    void SetRows(int rows) { rows_ = rows; }

    void Write();

  protected:
    StripWriter() = default;
    ~StripWriter() override = default;

  private:
    struct Closing {
        void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
    };
    using Dataset = std::unique_ptr<GDALDataset, Closing>;
    struct File {
        std::string path;
        Dataset dataset;
        std::vector<Image::Pointer> layers;
    };

    void write_strip(const File& file, int first, int rows);
    void write_interleaved(const File& file, const itk::ImageRegion<2>& region);
    void write_rows(const File& file, GDALRasterBand& band, int first, Rows rows);
    void write_smaller_overviews(const File& file);
    void check(const File& file, CPLErr error) const;

    std::vector<File> files_;
    int rows_ = 64;
};

}  // namespace writing
