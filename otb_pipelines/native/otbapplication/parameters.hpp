#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "application.hpp"

namespace otbpy {

// The constants, the getters and setters of parameters, the documentation of an application, and
// ApplicationProxy.
void bind_parameters(pybind11::module_& module,
                     pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
