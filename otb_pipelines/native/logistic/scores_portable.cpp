#include "scores_block.hpp"

namespace logistic {

void find_shares_portable(const Block& block) {
    find_shares(block);
}

}  // namespace logistic
