#include "arrays.hpp"

#include <pybind11/numpy.h>

#include <string>

#include "array_export.hpp"
#include "array_import.hpp"
#include "otbWrapperTypes.h"

namespace py = pybind11;

namespace otbpy {
namespace {

std::string numpy_name(int pixel_type) {
    using namespace otb::Wrapper;
    switch (pixel_type) {
        case ImagePixelType_uint8:
            return "uint8";
        case ImagePixelType_int16:
            return "int16";
        case ImagePixelType_uint16:
            return "uint16";
        case ImagePixelType_int32:
            return "int32";
        case ImagePixelType_uint32:
            return "uint32";
        case ImagePixelType_float:
            return "float32";
        case ImagePixelType_double:
            return "float64";
        case ImagePixelType_cfloat:
            return "complex64";
        case ImagePixelType_cdouble:
            return "complex128";
        default:
            throw py::value_error("NumPy has no name for the pixel type " + std::to_string(pixel_type));
    }
}

}  // namespace

void bind_arrays(py::class_<Application, std::shared_ptr<Application>>& type) {
    const auto key = py::arg("paramKey");
    const auto deprecated_type = py::arg("dt") = "float";
    const auto index = py::arg("index") = 0U;
    type.def(
            "GetVectorImageAsNumpyArray",
            [](Application& self, const std::string& parameter, const py::object&) {
                return export_array(self, parameter);
            },
            key, deprecated_type,
            "The output image as an array of (rows, columns, bands), of the image's own pixel type; `dt` is "
            "ignored.")
        .def(
            "GetImageAsNumpyArray",
            [](Application& self, const std::string& parameter, const py::object&) {
                return export_single_band(self, parameter);
            },
            key, deprecated_type, "The only band of the output image as an array of (rows, columns).")
        .def(
            "SetImageFromNumpyArray",
            [](Application& self, const std::string& parameter, const py::object& array,
               unsigned int position) {
                return set_from_array(self, parameter, array, position, Bands::one);
            },
            key, py::arg("npArray"), index, "Read the parameter from an array of one band, without a copy.")
        .def(
            "SetVectorImageFromNumpyArray",
            [](Application& self, const std::string& parameter, const py::object& array,
               unsigned int position) {
                return set_from_array(self, parameter, array, position, Bands::any);
            },
            key, py::arg("npArray"), index,
            "Read the parameter from an array of (rows, columns[, bands]), without a copy if it is "
            "contiguous.")
        .def(
            "ImportImage",
            [](Application& self, const std::string& parameter, const py::dict& image,
               unsigned int position) { import_image(self, parameter, image, position, Bands::one); },
            key, py::arg("pyImg"), index, "Read the parameter from what ExportImage gave, of one band.")
        .def(
            "ImportVectorImage",
            [](Application& self, const std::string& parameter, const py::dict& image,
               unsigned int position) { import_image(self, parameter, image, position, Bands::any); },
            key, py::arg("pyImg"), index, "Read the parameter from what ExportImage gave.")
        .def("ExportImage", export_image, key,
             "The output image as a dictionary: array, origin (centre of the first pixel), spacing, size, "
             "region and\n"
             "metadata.")
        .def(
            "ConvertPixelTypeToNumpy",
            [](const Application&, int pixel_type) { return numpy_name(pixel_type); }, py::arg("pixType"));
}

}  // namespace otbpy
