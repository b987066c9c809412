#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "feature_blocks.hpp"
#include "forest/forest.hpp"
#include "logistic/regression.hpp"

namespace live {

// A rectangle of pixels.
struct Window {
    std::size_t row;
    std::size_t column;
    std::size_t rows;
    std::size_t columns;
};

// The shares of the classes in the pixels of a window, and in the pixels around it that affect them.
// There is a plane for each class, and a last plane that is 1 where there is a pixel. Elsewhere, and beyond
// the scene, all planes are 0. The shares are votes, of 16 bits, or numbers between 0 and 1.
template <class Share>
class SharePlanes {
  public:
    // `reach` is the distance, in pixels, up to which a pixel affects another. Throws std::invalid_argument
    // if the window is empty.
    SharePlanes(Window window, std::size_t reach, std::size_t classes);

    const Window& window() const { return window_; }
    std::size_t reach() const { return reach_; }
    std::size_t classes() const { return classes_; }
    std::size_t stride() const { return stride_; }

    // The part of a plane that begins `reach` rows above and `reach` columns left of the window; the number
    // of the last plane is classes().
    const Share* plane(std::size_t number) const { return planes_.data() + number * plane_size_ + offset_; }

    // Adds the votes of a forest to the present votes. Returns whether it was not stopped. A forest has at
    // most 65535 trees.
    bool add(const fast_forest::Forest& forest, const FeatureBlocks& blocks, std::size_t thread_count,
             const std::atomic<bool>& stopped);

    // Adds the shares of a logistic regression. Returns whether it was not stopped.
    bool add(const logistic::Regression& regression, const FeatureBlocks& blocks, std::size_t thread_count,
             const std::atomic<bool>& stopped);

  private:
    template <class MakeFind>
    bool add_blocks(const FeatureBlocks& blocks, std::size_t thread_count, const std::atomic<bool>& stopped,
                    const MakeFind& make_find);
    // Adds the shares of a block. They are 0 for missing pixels.
    template <class Found>
    void add_block(const Found* found, std::uint64_t pixels, std::size_t down, std::size_t across);
    void check(const FeatureBlocks& blocks, std::size_t features, std::size_t classes) const;

    Window window_;
    std::size_t reach_;
    std::size_t classes_;
    // The blocks that the planes hold, from the first to the one before the end.
    std::size_t top_;
    std::size_t left_;
    std::size_t bottom_;
    std::size_t right_;
    std::size_t stride_;
    std::size_t plane_size_;
    std::size_t offset_;
    std::vector<Share> planes_;
};

using VotePlanes = SharePlanes<std::uint16_t>;
using FractionPlanes = SharePlanes<float>;

}  // namespace live
