#include "axis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace reading {
namespace {

// Edges of pixels that differ by less than this fraction of a pixel are equal but for rounding.
constexpr double rounding = 1e-6;

class TapsMaker {
  public:
    explicit TapsMaker(const Axis& axis) : axis_(axis), end_(axis.size + axis.reach) {}

    void add_under(double centre) {
        const int one = pixel(centre);
        begin(std::min(one, axis_.size - 1));
        if (one >= 0 && centre < end_) {
            add(1);
        }
    }

    void add_covered(double start, double end) {
        const int first = std::clamp(pixel(start), 0, axis_.size - 1);
        const int last = std::min(axis_.size, static_cast<int>(std::ceil(end - rounding)));
        begin(first);
        for (int one = first; one < last; ++one) {
            const double weight =
                std::min(end, one + 1 < axis_.size ? one + 1.0 : end_) - std::max(start, 1.0 * one);
            if (weight > rounding) {
                add(weight);
            }
        }
    }

    void add_around(double centre) {
        const double before = std::floor(centre - 0.5);
        const int first = static_cast<int>(before);
        if (first < 0 || first + 1 >= axis_.size) {
            add_under(centre);
            return;
        }
        const double after_share = centre - 0.5 - before;
        begin(first);
        add(1 - after_share);
        add(after_share);
    }

    Taps take() { return std::move(taps_); }

  private:
    static int pixel(double place) { return static_cast<int>(std::floor(place + rounding)); }

    void begin(int first) { taps_.pixels.push_back({first, 0, static_cast<int>(taps_.weights.size())}); }

    void add(double weight) {
        taps_.weights.push_back(weight);
        ++taps_.pixels.back().count;
    }

    Axis axis_;
    double end_;
    Taps taps_;
};

}  // namespace

Method smooth_method(const Axis& axis) {
    if (std::abs(axis.ratio - 1) < rounding) {
        return Method::nearest;
    }
    return axis.ratio > 1 ? Method::average : Method::bilinear;
}

Taps taps(const Axis& axis, Method method, Range pixels) {
    TapsMaker maker(axis);
    for (int pixel = pixels.begin; pixel < pixels.end; ++pixel) {
        const double start = axis.first + pixel * axis.ratio;
        const double centre = start + axis.ratio / 2;
        switch (method) {
            case Method::nearest:
                maker.add_under(centre);
                break;
            case Method::average:
                maker.add_covered(start, start + axis.ratio);
                break;
            case Method::bilinear:
                maker.add_around(centre);
                break;
        }
    }
    return maker.take();
}

Range file_range(const Taps& taps) {
    Range range{std::numeric_limits<int>::max(), 0};
    for (const Taps::Pixel& pixel : taps.pixels) {
        if (pixel.count > 0) {
            range.begin = std::min(range.begin, pixel.first);
            range.end = std::max(range.end, pixel.first + pixel.count);
        }
    }
    return range;
}

}  // namespace reading
