#include "share_planes.hpp"

#include <algorithm>
#include <stdexcept>

#include "forest/block_votes.hpp"
#include "jobs.hpp"

namespace live {
namespace {

// Prefetches the features of a block during the computation of another: a tree reads them in an order that
// the processor cannot predict.
void fetch_early(const FeatureBlocks& blocks, std::size_t down, std::size_t across) {
    constexpr std::size_t line = 64 / sizeof(float);
    const float* values = blocks.block(down, across);
    for (std::size_t place = 0; place < blocks.features * block_pixels; place += line) {
        __builtin_prefetch(values + place);
    }
}

// Sets the shares of missing pixels to 0.
void keep_only(std::uint64_t pixels, std::size_t classes, float* shares) {
    if (pixels == ~std::uint64_t{0}) {
        return;
    }
    for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
        if ((pixels >> pixel & 1) == 0) {
            for (std::size_t kind = 0; kind < classes; ++kind) {
                shares[kind * block_pixels + pixel] = 0.0F;
            }
        }
    }
}

}  // namespace

template <class Share>
SharePlanes<Share>::SharePlanes(Window window, std::size_t reach, std::size_t classes)
    : window_(window),
      reach_(reach),
      classes_(classes),
      top_((window.row - std::min(window.row, reach)) / block_side),
      left_((window.column - std::min(window.column, reach)) / block_side),
      bottom_((window.row + window.rows + reach + block_side - 1) / block_side),
      right_((window.column + window.columns + reach + block_side - 1) / block_side),
      stride_((right_ - left_) * block_side + 2 * reach),
      plane_size_(stride_ * ((bottom_ - top_) * block_side + 2 * reach)),
      offset_((window.row - top_ * block_side) * stride_ + window.column - left_ * block_side) {
    if (window.rows == 0 || window.columns == 0 || classes < 2) {
        throw std::invalid_argument("the window is empty, or there are fewer than two classes");
    }
    planes_.resize((classes + 1) * plane_size_);
}

template <class Share>
void SharePlanes<Share>::check(const FeatureBlocks& blocks, std::size_t features, std::size_t classes) const {
    if (features != blocks.features || classes != classes_) {
        throw std::invalid_argument("the classifier has other features or classes");
    }
    if (window_.row + window_.rows > blocks.down * block_side ||
        window_.column + window_.columns > blocks.across * block_side) {
        throw std::invalid_argument("the window is not within the scene");
    }
}

template <class Share>
template <class Found>
void SharePlanes<Share>::add_block(const Found* found, std::uint64_t pixels, std::size_t down,
                                   std::size_t across) {
    Share there[block_pixels];
    for (std::size_t pixel = 0; pixel < block_pixels; ++pixel) {
        there[pixel] = static_cast<Share>(pixels >> pixel & 1);
    }
    Share* corner = planes_.data() + ((down - top_) * block_side + reach_) * stride_ +
                    (across - left_) * block_side + reach_;
    for (std::size_t kind = 0; kind < classes_; ++kind) {
        for (std::size_t y = 0; y < block_side; ++y) {
            const Found* from = found + kind * block_pixels + y * block_side;
            Share* to = corner + kind * plane_size_ + y * stride_;
            for (std::size_t x = 0; x < block_side; ++x) {
                to[x] = static_cast<Share>(to[x] + static_cast<Share>(from[x]));
            }
        }
    }
    for (std::size_t y = 0; y < block_side; ++y) {
        std::copy_n(there + y * block_side, block_side, corner + classes_ * plane_size_ + y * stride_);
    }
}

template <class Share>
template <class MakeFind>
bool SharePlanes<Share>::add_blocks(const FeatureBlocks& blocks, std::size_t thread_count,
                                    const std::atomic<bool>& stopped, const MakeFind& make_find) {
    const std::size_t bottom = std::min(bottom_, blocks.down);
    const std::size_t right = std::min(right_, blocks.across);
    return do_jobs(bottom - top_, thread_count, stopped, [&] {
        return [&, find = make_find()](std::size_t job) mutable {
            for (std::size_t across = left_; across < right; ++across) {
                const std::size_t down = top_ + job;
                const std::uint64_t pixels = blocks.pixels(down, across);
                if (across + 1 < right) {
                    fetch_early(blocks, down, across + 1);
                }
                if (pixels != 0) {
                    add_block(find(blocks.block(down, across), pixels), pixels, down, across);
                }
            }
        };
    });
}

template <class Share>
bool SharePlanes<Share>::add(const fast_forest::Forest& forest, const FeatureBlocks& blocks,
                             std::size_t thread_count, const std::atomic<bool>& stopped) {
    check(blocks, forest.features(), forest.classes());
    return add_blocks(blocks, thread_count, stopped, [&] {
        return [votes = std::make_unique<fast_forest::BlockVotes>(forest)](
                   const float* values, std::uint64_t pixels) { return votes->count(values, pixels); };
    });
}

template <class Share>
bool SharePlanes<Share>::add(const logistic::Regression& regression, const FeatureBlocks& blocks,
                             std::size_t thread_count, const std::atomic<bool>& stopped) {
    check(blocks, regression.features(), regression.classes());
    return add_blocks(blocks, thread_count, stopped, [&] {
        return [&, shares = std::make_unique<fast_forest::Aligned<float>>(classes_ * block_pixels)](
                   const float* values, std::uint64_t pixels) -> const float* {
            regression.find_block_shares(values, shares->data());
            keep_only(pixels, classes_, shares->data());
            return shares->data();
        };
    });
}

template class SharePlanes<std::uint16_t>;
template class SharePlanes<float>;

}  // namespace live
