#pragma once

#include <vector>

namespace reading {

enum class Method { nearest, average, bilinear };

// How the pixels of an image lie along the rows or columns of a file: pixel i reaches from `first` + i *
// `ratio` to one `ratio` further, in the file's pixels, whose first begins at 0.
struct Axis {
    double first;
    double ratio;
    // Of the file.
    int size;
    // How much further than its side the file's last pixel reaches.
    double reach;
};

// Pixels [begin, end) of a row or column.
struct Range {
    int begin;
    int end;
};

// What pixels are made of: of each, neighbours in the file, and what each of these counts for.
struct Taps {
    struct Pixel {
        int first;
        // 0 where the file does not reach.
        int count;
        // The first one's place in `weights`.
        int weight;
    };
    std::vector<Pixel> pixels;
    std::vector<double> weights;
};

// The method that is apt for this axis: the average for a coarser image, bilinear interpolation for a finer
// one.
Method smooth_method(const Axis& axis);

// Of pixels of the image. nearest: what lies under the centre; average: what the pixel covers, by
// area; bilinear: the two neighbours of the centre, where it lies in the file.
Taps taps(const Axis& axis, Method method, Range pixels);

// The file's pixels of which these are made; none, that is, end <= begin, where the file does not reach.
Range file_range(const Taps& taps);

}  // namespace reading
