#include "trees.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <numeric>
#include <random>
#include <stdexcept>
#include <utility>

#include "bins.hpp"
#include "threads/started_threads.hpp"

namespace forest_training {
namespace {

// Up to this number, the pixels of a node are sorted by each feature tried; more are counted in bins.
constexpr std::size_t exact = 128;

using Counts = std::vector<std::uint32_t>;

// The split of a node; with quality 0 there is no split.
struct Split {
    std::size_t feature = 0;
    float threshold = 0;
    double quality = 0;
};

double sum_of_squares(const Counts& counts) {
    return std::accumulate(counts.begin(), counts.end(), 0.0, [](double sum, std::uint32_t count) {
        return sum + static_cast<double>(count) * count;
    });
}

// Half way between two values. The lower value is below it or equal.
float between(float lower, float upper) {
    const float middle = lower + (upper - lower) / 2;
    return middle < upper ? middle : lower;
}

// The classes on both sides of a limit that moves from the least value to the largest.
class Sides {
  public:
    explicit Sides(const Counts& all)
        : left_(all.size()),
          right_(all),
          right_total_(std::accumulate(all.begin(), all.end(), 0.0)),
          right_squares_(sum_of_squares(all)) {}

    void to_left(std::size_t kind, std::uint32_t weight) {
        const double moved = weight;
        left_squares_ += moved * (2.0 * left_[kind] + moved);
        right_squares_ += moved * (moved - 2.0 * right_[kind]);
        left_[kind] += weight;
        right_[kind] -= weight;
        left_total_ += moved;
        right_total_ -= moved;
    }
    double quality() const { return left_squares_ / left_total_ + right_squares_ / right_total_; }
    bool right_is_empty() const { return right_total_ == 0; }

  private:
    Counts left_;
    Counts right_;
    double left_total_ = 0;
    double right_total_;
    double left_squares_ = 0;
    double right_squares_;
};

class Grower {
  public:
    Grower(const Pixels& pixels, const std::vector<Bins>& bins, const Parameters& parameters)
        : pixels_(pixels),
          bins_(bins),
          parameters_(parameters),
          weights_(pixels.count),
          features_(pixels.features),
          histogram_(most_bins * pixels.classes) {
        std::iota(features_.begin(), features_.end(), std::size_t{0});
    }

    Tree grow(std::size_t number);

  private:
    // Pixels of a node to come: members_[begin] to members_[end - 1].
    struct Part {
        std::size_t begin;
        std::size_t end;
        std::uint32_t depth;
    };

    std::size_t draw(std::size_t choices) { return random_() % choices; }
    void draw_pixels();
    Counts counts(const Part& part) const;
    Split best_split(const Part& part, const Counts& all);
    void try_bins(const Part& part, std::size_t feature, const Counts& all, Split& best);
    void try_values(const Part& part, std::size_t feature, const Counts& all, Split& best);

    const Pixels& pixels_;
    const std::vector<Bins>& bins_;
    const Parameters& parameters_;
    std::mt19937_64 random_;
    // How often each pixel was drawn.
    std::vector<std::uint32_t> weights_;
    std::vector<std::uint32_t> members_;
    std::vector<std::size_t> features_;
    Counts histogram_;
    std::vector<std::pair<float, std::uint32_t>> sorted_;
};

Tree Grower::grow(std::size_t number) {
    std::seed_seq seed{parameters_.seed, static_cast<std::uint32_t>(number)};
    random_.seed(seed);
    std::iota(features_.begin(), features_.end(), std::size_t{0});
    draw_pixels();
    Tree tree;
    std::vector<Part> to_come{{0, members_.size(), 0}};
    while (!to_come.empty()) {
        const Part part = to_come.back();
        to_come.pop_back();
        const Counts all = counts(part);
        const auto most = std::max_element(all.begin(), all.end());
        const auto drawn = std::accumulate(all.begin(), all.end(), std::size_t{0});
        Split split;
        if (*most != drawn && drawn > parameters_.least_pixels && part.depth < parameters_.depth) {
            split = best_split(part, all);
        }
        tree.push_back({part.depth, static_cast<std::uint32_t>(most - all.begin()),
                        static_cast<std::uint32_t>(split.feature), split.threshold, split.quality});
        if (split.quality == 0) {
            continue;
        }
        const float* values = pixels_.feature(split.feature);
        const auto first = members_.begin() + static_cast<std::ptrdiff_t>(part.begin);
        const auto end = members_.begin() + static_cast<std::ptrdiff_t>(part.end);
        const auto middle =
            std::partition(first, end, [&](std::uint32_t pixel) { return values[pixel] <= split.threshold; });
        const auto place = static_cast<std::size_t>(middle - members_.begin());
        to_come.push_back({place, part.end, part.depth + 1});
        to_come.push_back({part.begin, place, part.depth + 1});
    }
    return tree;
}

void Grower::draw_pixels() {
    std::fill(weights_.begin(), weights_.end(), 0U);
    for (std::size_t drawn = 0; drawn < pixels_.count; ++drawn) {
        ++weights_[draw(pixels_.count)];
    }
    members_.clear();
    for (std::uint32_t pixel = 0; pixel < pixels_.count; ++pixel) {
        if (weights_[pixel] > 0) {
            members_.push_back(pixel);
        }
    }
}

Counts Grower::counts(const Part& part) const {
    Counts all(pixels_.classes);
    for (std::size_t place = part.begin; place < part.end; ++place) {
        all[pixels_.kinds[members_[place]]] += weights_[members_[place]];
    }
    return all;
}

Split Grower::best_split(const Part& part, const Counts& all) {
    Split best;
    for (std::size_t tried = 0; tried < parameters_.tried; ++tried) {
        std::swap(features_[tried], features_[tried + draw(features_.size() - tried)]);
        if (part.end - part.begin > exact) {
            try_bins(part, features_[tried], all, best);
        } else {
            try_values(part, features_[tried], all, best);
        }
    }
    return best;
}

void Grower::try_bins(const Part& part, std::size_t feature, const Counts& all, Split& best) {
    const Bins& bins = bins_[feature];
    const std::size_t classes = pixels_.classes;
    std::fill_n(histogram_.begin(), bins.size() * classes, 0U);
    for (std::size_t place = part.begin; place < part.end; ++place) {
        const std::uint32_t pixel = members_[place];
        histogram_[bins.of(pixel) * classes + pixels_.kinds[pixel]] += weights_[pixel];
    }
    Sides sides(all);
    // The last bin that held a pixel, and the quality of a limit above it.
    std::size_t last = 0;
    double quality = 0;
    for (std::size_t bin = 0; bin < bins.size(); ++bin) {
        const std::uint32_t* of_bin = histogram_.data() + bin * classes;
        if (std::all_of(of_bin, of_bin + classes, [](std::uint32_t count) { return count == 0; })) {
            continue;
        }
        if (quality > best.quality) {
            best = {feature, between(bins.largest(last), bins.least(bin)), quality};
        }
        for (std::size_t kind = 0; kind < classes; ++kind) {
            sides.to_left(kind, of_bin[kind]);
        }
        if (sides.right_is_empty()) {
            return;
        }
        quality = sides.quality();
        last = bin;
    }
}

void Grower::try_values(const Part& part, std::size_t feature, const Counts& all, Split& best) {
    const float* values = pixels_.feature(feature);
    sorted_.clear();
    for (std::size_t place = part.begin; place < part.end; ++place) {
        sorted_.emplace_back(values[members_[place]], members_[place]);
    }
    std::sort(sorted_.begin(), sorted_.end());
    Sides sides(all);
    for (std::size_t place = 0; place + 1 < sorted_.size(); ++place) {
        const auto [value, pixel] = sorted_[place];
        sides.to_left(pixels_.kinds[pixel], weights_[pixel]);
        const float next = sorted_[place + 1].first;
        if (value < next && sides.quality() > best.quality) {
            best = {feature, between(value, next), sides.quality()};
        }
    }
}

void check(const Pixels& pixels, const Parameters& parameters) {
    if (pixels.count == 0 || pixels.features == 0 || pixels.classes == 0) {
        throw std::invalid_argument("there is nothing to train on");
    }
    if (parameters.tried == 0 || parameters.tried > pixels.features) {
        throw std::invalid_argument("the number of features tried is not between 1 and that of the features");
    }
    if (parameters.trees == 0) {
        throw std::invalid_argument("a forest needs a tree");
    }
}

}  // namespace

std::vector<Tree> grow(const Pixels& pixels, const Parameters& parameters, std::size_t thread_count) {
    const std::atomic<bool> never{false};
    return grow_some(pixels, parameters, {0, parameters.trees}, thread_count, never);
}

std::vector<Tree> grow_some(const Pixels& pixels, const Parameters& parameters, Range range,
                            std::size_t thread_count, const std::atomic<bool>& stopped) {
    check(pixels, parameters);
    if (range.first > range.end || range.end > parameters.trees) {
        throw std::invalid_argument("the forest has no trees of these numbers");
    }
    std::vector<Bins> bins;
    for (std::size_t feature = 0; feature < pixels.features; ++feature) {
        bins.emplace_back(pixels.feature(feature), pixels.count);
    }
    std::vector<Tree> trees(range.end - range.first);
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failing;
    const auto work = [&] {
        try {
            Grower grower(pixels, bins, parameters);
            for (std::size_t place = next++; place < trees.size() && !stopped; place = next++) {
                trees[place] = grower.grow(range.first + place);
            }
        } catch (...) {
            const std::lock_guard<std::mutex> guard(failing);
            failure = std::current_exception();
        }
    };
    {
        // This thread works, too, so that the trees grow even where no other thread can be started.
        const std::size_t all = std::min(thread_count, trees.size());
        const threads::StartedThreads others(all > 0 ? all - 1 : 0, work);
        work();
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    return trees;
}

}  // namespace forest_training
