// The entry point of a fuzzer with damaged model files: each is refused, or holds a forest that predicts.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "model_file.hpp"

namespace {

void predict(const fast_forest::Forest& forest) {
    using Limits = std::numeric_limits<float>;
    for (const float value : {0.0F, 0.5F, Limits::quiet_NaN(), -Limits::infinity(), Limits::max()}) {
        const std::vector<float> pixel(forest.features(), value);
        const float* pixels = pixel.data();
        std::vector<std::uint32_t> votes(forest.classes());
        forest.count_votes(&pixels, 1, votes.data());
        if (std::accumulate(votes.begin(), votes.end(), std::size_t{0}) != forest.trees()) {
            std::abort();
        }
        // With its missing values substituted.
        const std::vector<int>& labels = forest.labels();
        const int label = forest.label(pixel.data(), votes.data());
        if (std::find(labels.begin(), labels.end(), label) == labels.end()) {
            std::abort();
        }
        if (forest.lead(votes.data()) > votes[forest.winner(votes.data())]) {
            std::abort();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        predict(fast_forest::parse_forest(std::string(data, data + size), "input"));
    } catch (const fast_forest::ModelError&) {
        return 0;
    }
    return 0;
}
