#pragma once

#include <pybind11/pybind11.h>

namespace otbpy {

// Binds itkMetaDataDictionary, the metadata of an image as ITK keeps it.
void bind_metadata_dictionary(pybind11::module_& module);

}  // namespace otbpy
