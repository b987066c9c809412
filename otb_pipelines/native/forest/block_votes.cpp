#include "block_votes.hpp"

#include <algorithm>

namespace fast_forest {

BlockVotes::BlockVotes(const Forest& forest)
    : forest_(forest),
      part_(forest.classes() * block_pixels),
      votes_(forest.classes() * block_pixels),
      visits_(new Visit[3 * most_visits]) {}

const std::uint32_t* BlockVotes::count(const float* values, std::uint64_t pixels) {
    static const CountVotes count_part = fastest_count_votes();
    const ForestContent& content = forest_.content();
    const std::size_t size = forest_.classes() * block_pixels;
    votes_.clear();
    for (std::size_t tree = 0; tree < forest_.trees(); tree += most_trees) {
        part_.clear();
        count_part({content.nodes.data(), content.roots.data() + tree,
                    std::min(most_trees, forest_.trees() - tree), values, pixels, part_.data(), visits_.get(),
                    visits_.get() + most_visits, visits_.get() + 2 * most_visits});
        const std::uint8_t* part = part_.data();
        std::uint32_t* votes = votes_.data();
        for (std::size_t index = 0; index < size; ++index) {
            votes[index] += part[index];
        }
    }
    return votes_.data();
}

}  // namespace fast_forest
