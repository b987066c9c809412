#!/bin/sh
# Builds the reader of random forests with libFuzzer and runs it on damaged model files, by default for a
# minute. Starts from tests/native/forest_corpus and what earlier runs found in build/fuzz/corpus.
#
#   tools/fuzz_forest.sh [SECONDS]
#
# Needs, beside what `make install` brings: apt-get install --no-install-recommends clang libclang-rt-14-dev
#
# Exit code 0: nothing found. Else the file that was found is build/fuzz/crash-*, timeout-* or oom-*: correct the
# reader, and put the file, made small, into tests/native/forest_corpus.
# To replace the corpus by the smallest set that reaches as much:
#   build/fuzz/fuzz_model_file -merge=1 NEW_FOLDER tests/native/forest_corpus build/fuzz/corpus
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
native=otb_pipelines/native/forest
build=build/fuzz

command -v clang++ > /dev/null || {
    echo "fuzz_forest: clang++ is not there: apt-get install --no-install-recommends clang libclang-rt-14-dev" >&2
    exit 2
}

compile() {
    source=$1
    shift
    nice -n 10 clang++ -std=c++17 -O1 -g -Wall -Wextra -Werror -isystem /usr/include/opencv4 \
        -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all "$@" \
        -c "$native/$source.cpp" -o "$build/$source.o"
}

mkdir -p "$build/corpus"
rm -f "$build"/*.o
for source in fuzz_model_file forest model_file model_text walk walk_portable; do
    compile "$source"
done
if [ "$(uname -m)" = x86_64 ]; then
    compile walk_avx2 -mavx2
    compile walk_avx512 -mavx512f -mavx512bw
fi
clang++ -fsanitize=fuzzer,address,undefined "$build"/*.o -lopencv_core -o "$build/fuzz_model_file"

# Longer than the blocks of 16 kB that OpenCV keeps what it has read in.
nice -n 10 "$build/fuzz_model_file" -max_total_time="$seconds" -max_len=24000 -timeout=10 -rss_limit_mb=1024 \
    -artifact_prefix="$build/" "$build/corpus" tests/native/forest_corpus
