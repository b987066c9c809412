#include "scores_block.hpp"

namespace logistic {

void find_shares_avx512(const Block& block) {
    find_shares(block);
}

}  // namespace logistic
