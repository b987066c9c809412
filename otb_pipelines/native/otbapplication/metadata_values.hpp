#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "otbImageMetadata.h"

namespace otbpy {

// A time as OTB writes it.
std::string text_of(const otb::MetaData::TimePoint& time);

// Binds the types of values in metadata: GCP, LUTAxis, lut1d, lut2d and TimePoint.
void bind_metadata_values(pybind11::module_& module);

}  // namespace otbpy
