#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "application.hpp"

namespace otbpy {

// Binds the exchange of images with NumPy: arrays of (rows, columns, bands) or (rows, columns), in both
// directions.
void bind_arrays(pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
