#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "application.hpp"

namespace otbpy {

// The number of bands that an array must have.
enum class Bands { one, any };

// Lets a parameter of an application read its image from an array of (rows, columns) or (rows, columns,
// bands). `index` is the place in a list of images. The array is not copied if it is contiguous.
Image set_from_array(Application& application, const std::string& key, const pybind11::object& array,
                     unsigned int index, Bands bands);

// The same for an image as export_image() returns it.
void import_image(Application& application, const std::string& key, const pybind11::dict& image,
                  unsigned int index, Bands bands);

}  // namespace otbpy
