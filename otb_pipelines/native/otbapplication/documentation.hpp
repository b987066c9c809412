#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "application.hpp"

namespace otbpy {

// What an application says of itself: name, description, authors, tags, examples.
void bind_documentation(pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
