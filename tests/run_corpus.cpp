// Hands each file named on the command line to a fuzzer's function, without the fuzzer.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
    for (int number = 1; number < count; ++number) {
        std::ifstream file(arguments[number], std::ios::binary);
        const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
        if (!file.is_open()) {
            std::cerr << arguments[number] << ": cannot be read\n";
            return 1;
        }
        std::cerr << arguments[number] << '\n';
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    return 0;
}
