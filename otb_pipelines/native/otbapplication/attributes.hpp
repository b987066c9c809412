#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "application.hpp"

namespace otbpy {

// Binds parameters as attributes of an application, `app.RAM = 256`, and ApplicationProxy for those of a
// group or a choice.
void bind_attributes(pybind11::module_& module,
                     pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
