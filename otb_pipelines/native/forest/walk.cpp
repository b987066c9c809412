#include "walk.hpp"

#include "../processor/instructions.hpp"

namespace fast_forest {

CountVotes fastest_count_votes() {
#if defined(__x86_64__)
    switch (processor::fastest("FAST_FOREST_INSTRUCTIONS")) {
        case processor::Instructions::avx512:
            return count_votes_avx512;
        case processor::Instructions::avx2:
            return count_votes_avx2;
        default:
            break;
    }
#endif
    return count_votes_portable;
}

}  // namespace fast_forest
