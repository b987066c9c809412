#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "application.hpp"

namespace otbpy {

// Binds the properties of an application's images: size, origin, projection, requested region and metadata.
void bind_images(pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
