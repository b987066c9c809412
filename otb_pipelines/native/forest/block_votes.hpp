#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "forest.hpp"
#include "walk.hpp"

namespace fast_forest {

// Numbers on the boundaries of whole vectors of any processor; all are 0 at first.
template <class Number>
class Aligned {
  public:
    explicit Aligned(std::size_t size)
        : numbers_(static_cast<Number*>(::operator new(size * sizeof(Number), alignment))), size_(size) {
        clear();
    }
    ~Aligned() { ::operator delete(numbers_, alignment); }
    Aligned(const Aligned&) = delete;
    Aligned& operator=(const Aligned&) = delete;

    Number* data() { return numbers_; }
    void clear() {
        for (std::size_t index = 0; index < size_; ++index) {
            numbers_[index] = Number{};
        }
    }

  private:
    static constexpr std::align_val_t alignment{64};
    Number* numbers_;
    std::size_t size_;
};

// Counts the votes of a forest for blocks of 64 pixels. It owns the memory that this needs, so that each
// thread has its own. The forest must outlive it.
class BlockVotes {
  public:
    explicit BlockVotes(const Forest& forest);

    // Counts the votes for one block. `values` are features() x block_pixels numbers on a boundary of 64
    // bytes; the values of one feature are side by side. `pixels` is a mask of the pixels that the block
    // holds. Returns classes() x block_pixels counts, which the next call changes; those of one class are
    // side by side. A pixel that the block does not hold has no vote.
    const std::uint32_t* count(const float* values, std::uint64_t pixels);

  private:
    const Forest& forest_;
    Aligned<std::uint8_t> part_;
    Aligned<std::uint32_t> votes_;
    std::unique_ptr<Visit[]> visits_;
};

}  // namespace fast_forest
