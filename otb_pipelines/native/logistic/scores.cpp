#include "scores.hpp"

#include "../processor/instructions.hpp"

namespace logistic {

FindShares fastest_find_shares() {
#if defined(__x86_64__)
    switch (processor::fastest("LOGISTIC_REGRESSION_INSTRUCTIONS")) {
        case processor::Instructions::avx512:
            return find_shares_avx512;
        case processor::Instructions::avx2:
            return find_shares_avx2;
        default:
            break;
    }
#endif
    return find_shares_portable;
}

}  // namespace logistic
