#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "application.hpp"

namespace otbpy {

// Images as NumPy arrays of (rows, columns, bands) or (rows, columns), both ways, and the geometry of images.
void bind_arrays(pybind11::module_& module,
                 pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
