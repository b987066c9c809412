#include "resampling.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace reading {
namespace {

constexpr float nothing = std::numeric_limits<float>::quiet_NaN();

// Distinguishes pixels that have data.
template <class Pixel>
class HasData {
  public:
    explicit HasData(const std::optional<double>& no_data) {
        using Limits = std::numeric_limits<Pixel>;
        // A number that a pixel cannot hold is never met.
        if (no_data && *no_data >= Limits::lowest() && *no_data <= Limits::max()) {
            no_data_ = static_cast<Pixel>(*no_data);
            any_ = std::is_floating_point_v<Pixel> || *no_data == no_data_;
        }
    }

    bool operator()(Pixel pixel) const {
        if constexpr (std::is_floating_point_v<Pixel>) {
            if (!std::isfinite(pixel)) {
                return false;
            }
        }
        return !(any_ && pixel == no_data_);
    }

  private:
    bool any_ = false;
    Pixel no_data_{};
};

template <class Pixel>
const Pixel* line(const Strips& strips, int row) {
    const auto strip = std::find_if(strips.begin(), strips.end(), [row](const auto& one) {
        return row >= one->first && row < one->first + one->rows;
    });
    const auto& pixels = std::get<std::vector<Pixel>>((*strip)->pixels);
    const std::size_t columns = pixels.size() / static_cast<std::size_t>((*strip)->rows);
    return pixels.data() + static_cast<std::size_t>(row - (*strip)->first) * columns;
}

}  // namespace

Resampling::Resampling(const Axis& columns, const Axis& rows, Method method, const Radiometry& radiometry,
                       Range pixels)
    : rows_(rows),
      method_(method),
      radiometry_(radiometry),
      columns_(taps(columns, method, pixels)),
      nearest_columns_(taps(columns, Method::nearest, pixels)),
      file_columns_(file_range(columns_)) {}

void Resampling::make(int row, const Strips& strips, float* values) const {
    const Taps made_of = taps(rows_, method_, {row, row + 1});
    const Taps::Pixel& pixel = made_of.pixels.front();
    if (pixel.count == 0 || file_columns_.end <= file_columns_.begin) {
        std::fill_n(values, columns_.pixels.size(), nothing);
        return;
    }
    const auto make_of = [&](auto example) {
        using Pixel = decltype(example);
        if (method_ == Method::nearest) {
            take(line<Pixel>(strips, pixel.first), values);
            return;
        }
        std::vector<const Pixel*> lines;
        for (int one = pixel.first; one < pixel.first + pixel.count; ++one) {
            lines.push_back(line<Pixel>(strips, one));
        }
        mix(lines, made_of.weights.data(), values);
        if (method_ == Method::bilinear) {
            const int centre = taps(rows_, Method::nearest, {row, row + 1}).pixels.front().first;
            remove_holes(line<Pixel>(strips, centre), values);
        }
    };
    if (std::holds_alternative<std::vector<float>>(strips.front()->pixels)) {
        make_of(float{});
    } else {
        make_of(std::uint16_t{});
    }
}

template <class Pixel>
void Resampling::take(const Pixel* line, float* values) const {
    const HasData<Pixel> has_data(radiometry_.no_data);
    for (const Taps::Pixel& pixel : columns_.pixels) {
        const bool any = pixel.count > 0 && has_data(line[pixel.first]);
        *values++ =
            any ? static_cast<float>(line[pixel.first] * radiometry_.scale + radiometry_.offset) : nothing;
    }
}

template <class Pixel>
void Resampling::mix(const std::vector<const Pixel*>& lines, const double* weights, float* values) const {
    const HasData<Pixel> has_data(radiometry_.no_data);
    const auto columns = static_cast<std::size_t>(file_columns_.end - file_columns_.begin);
    std::vector<double> sums(columns);
    std::vector<double> totals(columns);
    for (std::size_t number = 0; number < lines.size(); ++number) {
        const Pixel* line = lines[number] + file_columns_.begin;
        const double weight = weights[number];
        for (std::size_t column = 0; column < columns; ++column) {
            const bool any = has_data(line[column]);
            sums[column] += any ? weight * line[column] : 0.0;
            totals[column] += any ? weight : 0.0;
        }
    }
    for (const Taps::Pixel& pixel : columns_.pixels) {
        double sum = 0;
        double total = 0;
        for (int tap = 0; tap < pixel.count; ++tap) {
            const double weight = columns_.weights[static_cast<std::size_t>(pixel.weight + tap)];
            const auto column = static_cast<std::size_t>(pixel.first - file_columns_.begin + tap);
            sum += weight * sums[column];
            total += weight * totals[column];
        }
        *values++ =
            total > 0 ? static_cast<float>(sum / total * radiometry_.scale + radiometry_.offset) : nothing;
    }
}

template <class Pixel>
void Resampling::remove_holes(const Pixel* line, float* values) const {
    const HasData<Pixel> has_data(radiometry_.no_data);
    for (const Taps::Pixel& pixel : nearest_columns_.pixels) {
        if (pixel.count > 0 && !has_data(line[pixel.first])) {
            *values = nothing;
        }
        ++values;
    }
}

}  // namespace reading
