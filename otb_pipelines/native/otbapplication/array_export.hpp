#pragma once

#include <pybind11/numpy.h>

#include <string>

#include "application.hpp"

namespace otbpy {

// The output image of an application as an array of (rows, columns, bands). The pixels are computed first.
pybind11::array export_array(Application& application, const std::string& key);

// The same for an image of one band, as an array of (rows, columns).
pybind11::array export_single_band(Application& application, const std::string& key);

// The output image as a dictionary: array, origin, spacing, size, region and metadata.
pybind11::dict export_image(Application& application, const std::string& key);

}  // namespace otbpy
