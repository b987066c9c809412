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
    // The place in a plane of the first pixel that affects a row of the rectangle.
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

// A rectangle that holds the window, given by the rows and columns that it begins before the window.
struct Rectangle {
    std::size_t above;
    std::size_t before;
    std::size_t rows;
    std::size_t columns;
};

template <class Share>
bool choose(const SharePlanes<Share>& planes, const MapSettings& settings, const Rectangle& rectangle,
            const WindowMaps& maps, std::size_t thread_count, const std::atomic<bool>& stopped) {
    const std::vector<float> weights = settings.smoothing > 0
                                           ? classification::gaussian_weights(settings.smoothing)
                                           : std::vector<float>{1.0F};
    return do_jobs((rectangle.rows + strip_rows - 1) / strip_rows, thread_count, stopped, [&] {
        return [&, chooser = Chooser<Share>(planes, settings, weights, rectangle.above, rectangle.before,
                                            rectangle.columns)](std::size_t job) mutable {
            chooser.choose(job * strip_rows, std::min(rectangle.rows, (job + 1) * strip_rows), maps);
        };
    });
}

// Chooses again for the window and what is around it, and gives the pixels of the window the label of the
// majority.
template <class Share>
bool vote(const SharePlanes<Share>& planes, const MapSettings& settings, const Rectangle& rectangle,
          std::uint8_t* labels, std::size_t thread_count, const std::atomic<bool>& stopped) {
    const std::size_t size = rectangle.rows * rectangle.columns;
    Labels chosen{rectangle.rows, rectangle.columns, std::vector<std::uint8_t>(size)};
    std::vector<float> unused_confidence(size);
    std::vector<float> unused_margin(size);
    std::vector<std::uint8_t> unused_second(size);
    const WindowMaps maps{chosen.codes.data(), unused_confidence.data(), unused_margin.data(),
                          unused_second.data()};
    if (!choose(planes, settings, rectangle, maps, thread_count, stopped)) {
        return false;
    }
    const Window& window = planes.window();
    Labels part{window.rows, window.columns, std::vector<std::uint8_t>(window.rows * window.columns)};
    vote_by_majority(chosen, settings.majority, rectangle.above, rectangle.before, part);
    std::copy(part.codes.begin(), part.codes.end(), labels);
    return true;
}

}  // namespace

std::size_t reach_of(float smoothing, std::size_t majority) {
    return smoothing > 0 ? classification::gaussian_weights(smoothing).size() / 2 : majority;
}

template <class Share>
bool make_maps(const SharePlanes<Share>& planes, const MapSettings& settings, SceneSize size,
               const WindowMaps& maps, std::size_t thread_count, const std::atomic<bool>& stopped) {
    if (planes.reach() < reach_of(settings.smoothing, settings.majority) ||
        settings.labels.size() != planes.classes()) {
        throw std::invalid_argument("the shares do not reach far enough, or are of other classes");
    }
    const Window& window = planes.window();
    if (!choose(planes, settings, {0, 0, window.rows, window.columns}, maps, thread_count, stopped)) {
        return false;
    }
    if (settings.smoothing > 0 || settings.majority == 0) {
        return true;
    }
    const std::size_t above = std::min(window.row, settings.majority);
    const std::size_t before = std::min(window.column, settings.majority);
    const std::size_t bottom = std::min(size.rows, window.row + window.rows + settings.majority);
    const std::size_t right = std::min(size.columns, window.column + window.columns + settings.majority);
    const Rectangle around{above, before, bottom - window.row + above, right - window.column + before};
    return vote(planes, settings, around, maps.labels, thread_count, stopped);
}

template bool make_maps(const SharePlanes<std::uint16_t>&, const MapSettings&, SceneSize, const WindowMaps&,
                        std::size_t, const std::atomic<bool>&);
template bool make_maps(const SharePlanes<float>&, const MapSettings&, SceneSize, const WindowMaps&,
                        std::size_t, const std::atomic<bool>&);

}  // namespace live
