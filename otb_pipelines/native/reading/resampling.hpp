#pragma once

#include <optional>
#include <vector>

#include "axis.hpp"
#include "decoded_file.hpp"

namespace reading {

// value = DN * scale + offset, where DN is a finite number other than no_data.
struct Radiometry {
    double scale;
    double offset;
    std::optional<double> no_data;
};

// Makes rows of an image from strips of a file.
class Resampling {
  public:
    // pixels: the columns to be made.
    Resampling(const Axis& columns, const Axis& rows, Method method, const Radiometry& radiometry,
               Range pixels);

    // Pixels are made of those that have data. NaN where none has, and, interpolated, where the one under the
    // centre has none. strips: at least those that hold the file's rows of which this one is made.
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
    // Those under the centres.
    Taps nearest_columns_;
    // Of the file, those of which any pixel is made.
    Range file_columns_;
};

}  // namespace reading
