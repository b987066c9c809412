#pragma once

#include <gdal_priv.h>
#include <itkImageBase.h>
#include <itkProcessObject.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "average.hpp"
#include "block_writer.hpp"

namespace writing {

// Computes images of the same area strip by strip, and writes each to a band of a file. The images may have
// different sizes. Images that read the same file find its blocks in GDAL's cache, because all advance at the
// same pace. The first overview of a file is written together with the file. The others are written at the
// end, each from the overview before it.
class StripWriter : public itk::ProcessObject {
  public:
    using Image = itk::ImageBase<2>;

    using Self = StripWriter;
    using Superclass = itk::ProcessObject;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(StripWriter, itk::ProcessObject);

    // Creates a GeoTIFF. The images that are added next go to its bands. Its size, bands and metadata are
    // those of the raster `likeness`, whose pixels are not read. `overviews` are factors in ascending order.
    // Values beyond the range of a band of whole numbers are clipped, and counted in its metadata item
    // CLIPPED. Throws itk::ExceptionObject if the file cannot be created.
    void AddFile(const std::string& path, const std::string& likeness,
                 const std::vector<std::string>& options, const std::vector<int>& overviews);
    // Adds an image for the next band of the last file. It must have one band of 32-bit floats and the file's
    // size.
    void AddLayer(Image* image);
    // The number of rows that are written at a time, in the file with the fewest rows.
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
        // The file itself, then its overviews.
        std::vector<BlockWriter> levels;
        // How many values of each layer were outside the range of a band of whole numbers.
        std::vector<std::size_t> clipped;
    };

    void close_all();
    void write_strip(File& file, int first, int rows);
    void write_smaller_overviews(File& file);
    void check(const File& file, CPLErr error) const;

    std::vector<File> files_;
    int rows_ = 64;
};

}  // namespace writing
