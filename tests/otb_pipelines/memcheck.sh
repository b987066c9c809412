#!/bin/sh
# Runs a small chain under valgrind's memcheck and tells whether otbApplication made an invalid access: an error
# counts if a function of the module is on its stack. Exit codes: 0 none, 1 some, 2 could not be run.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
python=${1:-python3}
report=$(mktemp -d)
trap 'rm -rf "$report"' EXIT

command -v valgrind > /dev/null || { echo "memcheck: valgrind is not installed (apt-get install valgrind)" >&2; exit 2; }

# Python's own allocator hides what memcheck looks for. One thread of ITK: valgrind runs them one by one anyway.
PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1 ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS=1 \
    valgrind --tool=memcheck --leak-check=no --num-callers=30 --error-limit=no --xml=yes \
    --suppressions="$folder/memcheck.supp" --xml-file="$report/memcheck.xml" "$python" "$folder/memcheck.py" > "$report/output" 2>&1 \
    || { echo "memcheck: the chain failed under valgrind" >&2; cat "$report/output" >&2; exit 2; }

"$python" - "$report/memcheck.xml" << 'PYTHON'
import sys
from xml.etree import ElementTree

# Leaks are always reported; memory that Python keeps until its end does not count.
errors = [
    error
    for error in ElementTree.parse(sys.argv[1]).getroot().findall("error")
    if not error.findtext("kind").startswith("Leak_")
]
own = [
    error
    for error in errors
    if any("otbApplication" in (frame.findtext("obj") or "") for frame in error.iter("frame"))
]
for error in own:
    print(error.findtext("kind"), error.findtext("what") or error.findtext("xwhat/text"))
    for frame in error.find("stack").findall("frame"):
        print("   ", frame.findtext("fn"), frame.findtext("obj"))
print(f"memcheck: {len(own)} invalid accesses with otbApplication on the stack, {len(errors)} elsewhere")
sys.exit(1 if own else 0)
PYTHON
