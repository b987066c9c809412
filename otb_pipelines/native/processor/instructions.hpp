#pragma once

namespace processor {

// Sets of instructions that parts of the code are compiled for, from the slowest to the fastest.
enum class Instructions { portable, avx2, avx512 };

// Whether this processor has the instructions. avx512 stands for AVX-512 F and BW.
bool has(Instructions instructions);

// The fastest instructions that this processor has. The environment variable of this name limits the choice:
// portable, avx2 or avx512. Any other value limits nothing but AVX-512.
Instructions fastest(const char* variable);

}  // namespace processor
