#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace otbpy {

// The name of a constant ParameterType_... by its number.
std::string parameter_type_name(int type);

// Binds OTB's enumerations as plain integers of the module: ParameterType_..., ImagePixelType_..., Role_...
// and UserLevel_...
void bind_constants(pybind11::module_& module);

}  // namespace otbpy
