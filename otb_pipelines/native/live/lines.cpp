#include "lines.hpp"

#include "processor/instructions.hpp"

namespace live {

const Lines& fastest_lines() {
#if defined(__x86_64__)
    switch (processor::fastest("LIVE_MAPS_INSTRUCTIONS")) {
        case processor::Instructions::avx512:
            return avx512_lines;
        case processor::Instructions::avx2:
            return avx2_lines;
        default:
            break;
    }
#endif
    return portable_lines;
}

}  // namespace live
