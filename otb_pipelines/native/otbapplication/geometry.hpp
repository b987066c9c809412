#pragma once

#include <pybind11/pybind11.h>

namespace otbpy {

// Binds itkSize, itkIndex, itkPoint and itkVector, which behave like lists of two numbers, and itkRegion,
// which behaves like a dictionary of an index and a size.
void bind_geometry(pybind11::module_& module);

}  // namespace otbpy
