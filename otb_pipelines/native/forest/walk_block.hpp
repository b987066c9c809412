#pragma once

#include "walk.hpp"

namespace fast_forest {

// What a file that is compiled for one processor includes must be that file's own: the linker could else take
// its copy of a function for all files, and another processor could not run it.
namespace {

// A list that is appended to whether or not it is wanted: a branch that the processor cannot foresee costs
// more.
class VisitList {
  public:
    explicit VisitList(Visit* visits) : visits_(visits) {}

    // count: 1 or 0, computed without a branch.
    void append(std::size_t count, Visit visit) {
        visits_[size_] = visit;
        size_ += count;
    }
    void clear() { size_ = 0; }
    std::size_t size() const { return size_; }
    const Visit& operator[](std::size_t index) const { return visits_[index]; }

  private:
    Visit* visits_;
    std::size_t size_ = 0;
};

// Pixels near each other mostly take the same ways, so that a block visits few of a tree's nodes. It does so
// level by level, in all trees at once: what is visited one after the other then does not wait for one
// another.
//
// Lanes::at_most(values, threshold): mask of a block's values that are at most the threshold.
// Lanes::add(votes, pixels): one vote for each pixel of the mask.
template <class Lanes>
void walk_trees(const Walk& walk) {
    VisitList visits(walk.visits);
    VisitList next(walk.next_visits);
    VisitList leaves(walk.leaves);
    const auto arrive = [&](VisitList& nodes, Child place, std::uint64_t pixels) {
        const std::size_t come = pixels != 0 ? 1 : 0;
        nodes.append(come & ~place.sign(), {place, pixels});
        leaves.append(come & place.sign(), {place, pixels});
    };
    for (std::size_t tree = 0; tree < walk.trees; ++tree) {
        arrive(visits, walk.roots[tree], walk.pixels);
    }
    while (visits.size() + leaves.size() != 0) {
        for (std::size_t index = 0; index < leaves.size(); ++index) {
            const Visit& leaf = leaves[index];
            Lanes::add(walk.votes + static_cast<std::size_t>(leaf.place.kind()) * block_pixels, leaf.pixels);
        }
        leaves.clear();
        for (std::size_t index = 0; index < visits.size(); ++index) {
            const Visit visit = visits[index];
            const Node& node = walk.nodes[visit.place.number()];
            const float* values = walk.values + static_cast<std::size_t>(node.feature) * block_pixels;
            const std::uint64_t left = visit.pixels & Lanes::at_most(values, node.threshold);
            arrive(next, node.left, left);
            arrive(next, node.right, visit.pixels & ~left);
        }
        const VisitList done = visits;
        visits = next;
        next = done;
        next.clear();
    }
}

}  // namespace
}  // namespace fast_forest
