#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "application.hpp"

namespace otbpy {

// Binds the documentation of an application: name, description, authors, tags and examples.
void bind_documentation(pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
