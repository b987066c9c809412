#pragma once

#include "walk.hpp"

namespace fast_forest {

// Everything here is in an unnamed namespace, so that each file has its own copy, compiled for its own set of
// instructions. Otherwise the linker could use one copy for all files, and another processor could not run
// it.
namespace {

// A list of visits. append() always writes the visit, and `count` says whether it stays. This is faster than
// a branch that the processor cannot predict.
class VisitList {
  public:
    explicit VisitList(Visit* visits) : visits_(visits) {}

    // `count` is 1 or 0.
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

// Walks a block of pixels through the trees. Pixels near each other mostly take the same branches, so a block
// visits few nodes of a tree. The walk goes level by level through all trees at once. Thus one visit does not
// depend on the result of the visit before, and the processor can overlap them.
//
// Lanes::at_most(values, threshold) returns the mask of a block's values that are at most the threshold.
// Lanes::add(votes, pixels) adds one vote for each pixel of the mask.
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
