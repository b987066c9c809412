#include "instructions.hpp"

#include <cstdlib>
#include <string>

namespace processor {

bool has(Instructions instructions) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    switch (instructions) {
        case Instructions::avx512:
            return __builtin_cpu_supports("avx512bw") != 0;
        case Instructions::avx2:
            return __builtin_cpu_supports("avx2") != 0;
        default:
            return true;
    }
#else
    return instructions == Instructions::portable;
#endif
}

Instructions fastest(const char* variable) {
    const char* wanted = std::getenv(variable);
    const std::string limit = wanted == nullptr ? "avx512" : wanted;
    if (limit == "avx512" && has(Instructions::avx512)) {
        return Instructions::avx512;
    }
    if (limit != "portable" && has(Instructions::avx2)) {
        return Instructions::avx2;
    }
    return Instructions::portable;
}

}  // namespace processor
