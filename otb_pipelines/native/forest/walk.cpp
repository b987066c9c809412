#include "walk.hpp"

#include <cstdlib>
#include <string>

namespace fast_forest {

CountVotes fastest_count_votes() {
#if defined(__x86_64__)
    const char* wanted = std::getenv("FAST_FOREST_INSTRUCTIONS");
    const std::string instructions = wanted == nullptr ? "avx512" : wanted;
    __builtin_cpu_init();
    if (instructions == "avx512" && __builtin_cpu_supports("avx512bw")) {
        return count_votes_avx512;
    }
    if (instructions != "portable" && __builtin_cpu_supports("avx2")) {
        return count_votes_avx2;
    }
#endif
    return count_votes_portable;
}

}  // namespace fast_forest
