#include "forest.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "block_votes.hpp"

namespace fast_forest {
namespace {

// Votes of many pixels are held in memory for each class.
constexpr std::size_t most_classes = 10000;

// first: the number from which a node may be; where nodes come before their children, no way leads back.
void check_child(const ForestContent& content, Child child, std::size_t first) {
    if (child.is_leaf()) {
        if (static_cast<std::size_t>(child.kind()) >= content.labels.size()) {
            throw std::invalid_argument("a leaf votes for a class that there is not");
        }
    } else {
        const auto number = static_cast<std::size_t>(child.number());
        if (number < first || number >= content.nodes.size()) {
            throw std::invalid_argument("a branch leads to no node that comes after it");
        }
    }
}

void check(const ForestContent& content) {
    if (content.roots.empty() || content.labels.empty() || content.features == 0) {
        throw std::invalid_argument("there are no trees, no classes or no features");
    }
    if (content.labels.size() > most_classes) {
        throw std::invalid_argument("there are too many classes");
    }
    if (!content.substitutes.empty() && content.substitutes.size() < content.features) {
        throw std::invalid_argument("a feature has no substitute for its missing values");
    }
    for (const Child root : content.roots) {
        check_child(content, root, 0);
    }
    for (std::size_t number = 0; number < content.nodes.size(); ++number) {
        const Node& node = content.nodes[number];
        if (node.feature < 0 || static_cast<std::size_t>(node.feature) >= content.features) {
            throw std::invalid_argument("a node compares a feature that there is not");
        }
        check_child(content, node.left, number + 1);
        check_child(content, node.right, number + 1);
    }
}

}  // namespace

Forest::Forest(ForestContent content) : content_(std::move(content)) {
    check(content_);
}

void Forest::count_votes(const float* const* pixels, std::size_t count, std::uint32_t* votes) const {
    Aligned<float> values(features() * block_pixels);
    BlockVotes block(*this);
    for (std::size_t first = 0; first < count; first += block_pixels) {
        const std::size_t size = std::min(block_pixels, count - first);
        for (std::size_t pixel = 0; pixel < size; ++pixel) {
            const float* source = pixels[first + pixel];
            for (std::size_t feature = 0; feature < features(); ++feature) {
                values.data()[feature * block_pixels + pixel] = source[feature];
            }
        }
        const std::uint64_t there = size == block_pixels ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
        const std::uint32_t* counts = block.count(values.data(), there);
        for (std::size_t kind = 0; kind < classes(); ++kind) {
            for (std::size_t pixel = 0; pixel < size; ++pixel) {
                votes[(first + pixel) * classes() + kind] = counts[kind * block_pixels + pixel];
            }
        }
    }
}

std::size_t Forest::winner(const std::uint32_t* votes) const {
    return static_cast<std::size_t>(std::max_element(votes, votes + classes()) - votes);
}

std::size_t Forest::runner_up(const std::uint32_t* votes) const {
    const std::size_t first = winner(votes);
    std::size_t second = first == 0 ? 1 : 0;
    for (std::size_t kind = second + 1; kind < classes(); ++kind) {
        if (kind != first && votes[kind] > votes[second]) {
            second = kind;
        }
    }
    return second;
}

std::uint32_t Forest::lead(const std::uint32_t* votes) const {
    return votes[winner(votes)] - (classes() == 1 ? 0 : votes[runner_up(votes)]);
}

float Forest::share(std::uint32_t votes) const {
    return static_cast<float>(votes) / static_cast<float>(trees());
}

int Forest::label(const float* pixel, const std::uint32_t* votes) const {
    return has_missing(pixel) ? label_of_missing(pixel) : labels()[winner(votes)];
}

int Forest::label_of_missing(const float* pixel) const {
    const std::vector<float> whole = substituted(pixel);
    const float* whole_pixel = whole.data();
    std::vector<std::uint32_t> whole_votes(classes());
    count_votes(&whole_pixel, 1, whole_votes.data());
    return labels()[winner(whole_votes.data())];
}

bool Forest::has_missing(const float* pixel) const {
    return std::find(pixel, pixel + features(), std::numeric_limits<float>::max()) != pixel + features();
}

std::vector<float> Forest::substituted(const float* pixel) const {
    std::vector<float> result(pixel, pixel + features());
    for (std::size_t feature = 0; feature < features(); ++feature) {
        if (result[feature] == std::numeric_limits<float>::max()) {
            result[feature] = content_.substitutes.empty() ? -std::numeric_limits<float>::infinity()
                                                           : content_.substitutes[feature];
        }
    }
    return result;
}

}  // namespace fast_forest
