#pragma once

#include <pybind11/pybind11.h>

namespace otbpy {

// Registry: what applications there are, and new instances of them.
void bind_registry(pybind11::module_& module);

}  // namespace otbpy
