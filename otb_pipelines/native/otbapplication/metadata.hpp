#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "application.hpp"

namespace otbpy {

// ImageMetadata, itkMetaDataDictionary, and what an application tells of its images: size, origin,
// projection...
void bind_metadata(pybind11::module_& module,
                   pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
