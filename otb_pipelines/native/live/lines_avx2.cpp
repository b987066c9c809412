#include "lines_block.hpp"

namespace live {

const Lines avx2_lines{sum_votes, sum_fractions, add, choose};

}  // namespace live
