#pragma once

#include <pybind11/pybind11.h>

namespace otbpy {

// Binds Registry, which lists the available applications and creates them.
void bind_registry(pybind11::module_& module);

}  // namespace otbpy
