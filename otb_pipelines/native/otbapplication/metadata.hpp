#pragma once

#include <pybind11/pybind11.h>

namespace otbpy {

// Binds ImageMetadataBase and ImageMetadata, the metadata of an image as OTB keeps it.
void bind_image_metadata(pybind11::module_& module);

}  // namespace otbpy
