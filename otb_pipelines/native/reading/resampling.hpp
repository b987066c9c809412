#pragma once

#include <optional>
#include <vector>

#include "axis.hpp"
#include "decoded_file.hpp"

namespace reading {

// The conversion of the file's numbers (DN) to values: value = DN * scale + offset. A number that is not
// finite, or equals no_data, means no data.
struct Radiometry {
    double scale;
    double offset;
    std::optional<double> no_data;
};

// Computes rows of an image from strips of a file.
class Resampling {
  public:
    // `pixels` are the columns of the image that are wanted.
    Resampling(const Axis& columns, const Axis& rows, Method method, const Radiometry& radiometry,
               Range pixels);

    // Computes one row of the image. `strips` must hold all rows of the file from which the row is computed.
    // Only pixels with data are used. The result is NaN if none of them has data. Under bilinear
    // interpolation it is also NaN if the file's pixel under the centre has no data.
    void make(int row, const Strips& strips, float* values) const;

  private:
    template <class Pixel>
    void take(const Pixel* line, float* values) const;
    template <class Pixel>
    void mix(const std::vector<const Pixel*>& lines, const double* weights, float* values) const;
    template <class Pixel>
    void remove_holes(const Pixel* line, float* values) const;

    Axis rows_;
    Method method_;
    Radiometry radiometry_;
    Taps columns_;
    // The columns of the file under the centres of the image's pixels.
    Taps nearest_columns_;
    // The columns of the file that are used at all.
    Range file_columns_;
};

}  // namespace reading
