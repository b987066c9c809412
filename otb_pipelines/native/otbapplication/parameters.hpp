#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "application.hpp"

namespace otbpy {

// Binds the getters and setters of parameters, their descriptions by the application, and its state.
void bind_parameters(pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
