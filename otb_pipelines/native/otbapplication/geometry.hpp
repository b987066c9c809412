#pragma once

#include <pybind11/pybind11.h>

namespace otbpy {

// itkSize, itkIndex, itkPoint, itkVector and itkRegion, which behave as lists of two and as a small
// dictionary.
void bind_geometry(pybind11::module_& module);

}  // namespace otbpy
