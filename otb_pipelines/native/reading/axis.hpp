#pragma once

#include <vector>

namespace reading {

enum class Method { nearest, average, bilinear };

// The position of an image's pixels along the rows or the columns of a file, in units of the file's pixels.
// The file's first pixel begins at 0. The image's pixel i extends from first + i * ratio to first + (i + 1) *
// ratio.
struct Axis {
    double first;
    double ratio;
    // The number of rows or columns of the file.
    int size;
    // The length by which the file's last pixel is longer than the others.
    double reach;
};

// The pixels from `begin` up to, but not including, `end`.
struct Range {
    int begin;
    int end;
};

// The file's pixels from which each pixel of the image is computed (its taps), and their weights.
struct Taps {
    struct Pixel {
        int first;
        // The number of taps. It is 0 outside of the file.
        int count;
        // The position of the first weight in `weights`.
        int weight;
    };
    std::vector<Pixel> pixels;
    std::vector<double> weights;
};

// The method for smooth data: the average if the image is coarser than the file, bilinear interpolation if it
// is finer, and nearest if the pixels have the same size.
Method smooth_method(const Axis& axis);

// The taps of the image's pixels. Method::nearest takes the file's pixel under the centre. Method::average
// takes all pixels that the image's pixel covers, weighted by the covered length. Method::bilinear takes the
// two pixels whose centres are on both sides of the centre. Beyond the first or last centre of the file it
// takes one pixel.
Taps taps(const Axis& axis, Method method, Range pixels);

// The range of the file's pixels that contains all taps. It is empty (end <= begin) if there are none.
Range file_range(const Taps& taps);

}  // namespace reading
