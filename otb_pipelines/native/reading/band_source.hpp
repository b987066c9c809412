#pragma once

#include <itkImageSource.h>
#include <otbImage.h>
#include <otbVectorImage.h>

#include <memory>
#include <optional>
#include <vector>

#include "decoded_file.hpp"
#include "decoding_threads.hpp"
#include "resampling.hpp"

namespace reading {

// An image source that gives the first band of a file on the grid of another image.
class BandSource : public itk::ImageSource<otb::Image<float, 2>> {
  public:
    using Likeness = otb::VectorImage<float, 2>;

    using Self = BandSource;
    using Superclass = itk::ImageSource<otb::Image<float, 2>>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(BandSource, itk::ImageSource);

    // Several files are parts of one band, as of `JoinedBand`. `level` is a wavelet level of a JPEG 2000
    // file, or 0. `threads` decode it; 0 stands for GDAL_NUM_THREADS. Throws itk::ExceptionObject if a file
    // cannot be opened, or no thread started.
    void SetFiles(const std::vector<BandFile>& files, int level, int threads);
    // The image that gives the grid. Its pixels are not read.
    void SetLikeness(Likeness* likeness) { likeness_ = likeness; }
    void SetRadiometry(const Radiometry& radiometry) { radiometry_ = radiometry; }
    // Takes the pixel under the centre, whatever the size of the pixels.
    void SetNearest(bool nearest) { nearest_ = nearest; }

  protected:
    BandSource() = default;
    ~BandSource() override = default;

    void GenerateOutputInformation() override;
    void BeforeThreadedGenerateData() override;
    void ThreadedGenerateData(const OutputImageRegionType& region, itk::ThreadIdType thread) override;
    void AfterThreadedGenerateData() override;

  private:
    Method method(const Axis& columns) const;

    std::shared_ptr<DecodedFile> file_;
    std::shared_ptr<DecodingThreads> threads_;
    Likeness::Pointer likeness_;
    Radiometry radiometry_{1, 0, std::nullopt};
    bool nearest_ = false;

    // The strips that are in use, only while pixels are computed.
    Strips strips_;
};

}  // namespace reading
