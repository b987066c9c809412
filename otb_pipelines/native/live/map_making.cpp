#include "map_making.hpp"

#include <algorithm>
#include <stdexcept>

#include "classification/share_smoothing.hpp"
#include "jobs.hpp"
#include "lines.hpp"
#include "majority.hpp"

namespace live {
namespace {

// The rows of a job. The rows around it are summed again for each job.
constexpr std::size_t strip_rows = 32;

void sum(const Lines& lines, const std::uint16_t* values, std::size_t count,
         const std::vector<float>& weights, float* sums) {
    lines.sum_votes(values, count, weights.data(), weights.size(), sums);
}

void sum(const Lines& lines, const float* values, std::size_t count, const std::vector<float>& weights,
         float* sums) {
    lines.sum_fractions(values, count, weights.data(), weights.size(), sums);
}

// Chooses the classes of a rectangle within the reach of the planes, strip by strip.
template <class Share>
class Chooser {
  public:
    // `above` and `before` are how many rows and columns the rectangle begins before the window.
    Chooser(const SharePlanes<Share>& planes, const MapSettings& settings, const std::vector<float>& weights,
            std::size_t above, std::size_t before, std::size_t columns)
        : planes_(planes),
          settings_(settings),
          weights_(weights),
          above_(above),
          before_(before),
          columns_(columns),
          rows_(weights.size(), std::vector<float>((planes.classes() + 1) * columns)),
          sums_((planes.classes() + 1) * columns),
          first_(columns),
          second_(columns) {}

    void choose(std::size_t begin, std::size_t end, const WindowMaps& maps) {
        const std::size_t taps = weights_.size();
        for (std::size_t row = begin; row < end + taps - 1; ++row) {
            sum_row(row);
            if (row + 1 >= begin + taps) {
                write_row(row + 1 - taps, maps);
            }
        }
    }

  private:
    // The place in a plane of the first pixel that has a part in a row of the rectangle.
    std::size_t place_of(std::size_t row) const {
        const std::size_t radius = weights_.size() / 2;
        return (planes_.reach() - above_ - radius + row) * planes_.stride() + planes_.reach() - before_ -
               radius;
    }

    void sum_row(std::size_t row) {
        std::vector<float>& sums = rows_[row % rows_.size()];
        for (std::size_t kind = 0; kind <= planes_.classes(); ++kind) {
            sum(lines_, planes_.plane(kind) + place_of(row), columns_, weights_,
                sums.data() + kind * columns_);
        }
    }

    void write_row(std::size_t row, const WindowMaps& maps) {
        const std::size_t taps = weights_.size();
        std::fill(sums_.begin(), sums_.end(), 0.0F);
        for (std::size_t tap = 0; tap < taps; ++tap) {
            lines_.add(rows_[(row + tap) % taps].data(), sums_.size(), weights_[tap], sums_.data());
        }
        const std::size_t start = row * columns_;
        lines_.choose({sums_.data(), columns_, planes_.classes(), settings_.whole, settings_.stepped},
                      {first_.data(), second_.data(), maps.confidence + start, maps.margin + start});
        const std::size_t radius = taps / 2;
        const Share* there =
            planes_.plane(planes_.classes()) + place_of(row) + radius * planes_.stride() + radius;
        for (std::size_t x = 0; x < columns_; ++x) {
            const bool is_there = there[x] != Share{0};
            maps.labels[start + x] = is_there ? code_of(first_[x]) : std::uint8_t{0};
            maps.second[start + x] = is_there ? code_of(second_[x]) : std::uint8_t{0};
            maps.confidence[start + x] = is_there ? maps.confidence[start + x] : 0.0F;
            maps.margin[start + x] = is_there ? maps.margin[start + x] : 0.0F;
        }
    }

    std::uint8_t code_of(std::uint8_t kind) const {
        return static_cast<std::uint8_t>(settings_.labels[kind]);
    }

    const SharePlanes<Share>& planes_;
    const MapSettings& settings_;
    const std::vector<float>& weights_;
    std::size_t above_;
    std::size_t before_;
    std::size_t columns_;
    const Lines& lines_ = fastest_lines();
    // The rows of the planes that are summed along their columns, as many as there are weights.
    std::vector<std::vector<float>> rows_;
    std::vector<float> sums_;
    std::vector<std::uint8_t> first_;
    std::vector<std::uint8_t> second_;
};

// Gives the pixels of a window the label of the majority, out of labels that were chosen here with `above`
// more rows and `before` more columns before the window.
void vote(const Labels& chosen, std::size_t radius, std::size_t above, std::size_t before,
          const Window& window, std::uint8_t* labels) {
    Labels part{window.rows, window.columns, std::vector<std::uint8_t>(window.rows * window.columns)};
    vote_by_majority(chosen, radius, above, before, part);
    std::copy(part.codes.begin(), part.codes.end(), labels);
}

}  // namespace

std::size_t reach_of(float smoothing, std::size_t majority) {
    return smoothing > 0 ? classification::gaussian_weights(smoothing).size() / 2 : majority;
}

template <class Share>
bool make_maps(const SharePlanes<Share>& planes, const MapSettings& settings, std::size_t rows,
               std::size_t columns, const WindowMaps& maps, std::size_t thread_count,
               const std::atomic<bool>& stopped) {
    const bool smooths = settings.smoothing > 0;
    if (planes.reach() < reach_of(settings.smoothing, settings.majority) ||
        settings.labels.size() != planes.classes()) {
        throw std::invalid_argument("the shares do not reach far enough, or are of other classes");
    }
    const std::vector<float> weights =
        smooths ? classification::gaussian_weights(settings.smoothing) : std::vector<float>{1.0F};
    const Window& window = planes.window();
    const auto choose = [&](std::size_t above, std::size_t before, std::size_t height, std::size_t width,
                            const WindowMaps& target) {
        return do_jobs((height + strip_rows - 1) / strip_rows, thread_count, stopped, [&] {
            return [&, chooser = Chooser<Share>(planes, settings, weights, above, before, width)](
                       std::size_t job) mutable {
                chooser.choose(job * strip_rows, std::min(height, (job + 1) * strip_rows), target);
            };
        });
    };
    if (!choose(0, 0, window.rows, window.columns, maps)) {
        return false;
    }
    if (smooths || settings.majority == 0) {
        return true;
    }
    const std::size_t above = std::min(window.row, settings.majority);
    const std::size_t before = std::min(window.column, settings.majority);
    const std::size_t height =
        std::min(rows, window.row + window.rows + settings.majority) - window.row + above;
    const std::size_t width =
        std::min(columns, window.column + window.columns + settings.majority) - window.column + before;
    Labels chosen{height, width, std::vector<std::uint8_t>(height * width)};
    std::vector<float> unused_confidence(height * width);
    std::vector<float> unused_margin(height * width);
    std::vector<std::uint8_t> unused_second(height * width);
    if (!choose(
            above, before, height, width,
            {chosen.codes.data(), unused_confidence.data(), unused_margin.data(), unused_second.data()})) {
        return false;
    }
    vote(chosen, settings.majority, above, before, window, maps.labels);
    return true;
}

template bool make_maps(const SharePlanes<std::uint16_t>&, const MapSettings&, std::size_t, std::size_t,
                        const WindowMaps&, std::size_t, const std::atomic<bool>&);
template bool make_maps(const SharePlanes<float>&, const MapSettings&, std::size_t, std::size_t,
                        const WindowMaps&, std::size_t, const std::atomic<bool>&);

}  // namespace live
