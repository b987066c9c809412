#include "metadata_dictionary.hpp"

#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "itkMetaDataObject.h"
#include "otbImageMetadata.h"
#include "otbMetaDataKey.h"

namespace py = pybind11;

namespace otbpy {
namespace {

using Dictionary = itk::MetaDataDictionary;

template <class Value>
bool read(const itk::MetaDataObjectBase* object, py::object& value) {
    const auto* typed = dynamic_cast<const itk::MetaDataObject<Value>*>(object);
    if (typed != nullptr) {
        value = py::cast(typed->GetMetaDataObjectValue());
    }
    return typed != nullptr;
}

// Any type that OTB stores; None for those that mean nothing in Python (keyword lists).
py::object dictionary_item(const Dictionary& dictionary, const std::string& key) {
    if (!dictionary.HasKey(key)) {
        throw py::key_error(key);
    }
    const auto* object = dictionary[key];
    py::object value = py::none();
    static_cast<void>(read<std::string>(object, value) || read<unsigned int>(object, value) ||
                      read<int>(object, value) || read<double>(object, value) || read<float>(object, value) ||
                      read<bool>(object, value) || read<std::vector<double>>(object, value) ||
                      read<std::vector<bool>>(object, value) || read<otb::GCP>(object, value));
    return value;
}

void set_dictionary_item(Dictionary& dictionary, const std::string& key, const py::object& value) {
    if (py::isinstance<py::str>(value)) {
        itk::EncapsulateMetaData(dictionary, key, value.cast<std::string>());
    } else if (py::isinstance<py::int_>(value)) {
        itk::EncapsulateMetaData(dictionary, key, value.cast<unsigned int>());
    } else if (py::isinstance<py::float_>(value)) {
        itk::EncapsulateMetaData(dictionary, key, value.cast<double>());
    } else if (py::isinstance<otb::GCP>(value)) {
        itk::EncapsulateMetaData(dictionary, key, value.cast<otb::GCP>());
    } else {
        itk::EncapsulateMetaData(dictionary, key, value.cast<std::vector<double>>());
    }
}

}  // namespace

void bind_metadata_dictionary(py::module_& module) {
    py::class_<Dictionary>(module, "itkMetaDataDictionary")
        .def(py::init<>())
        .def("GetKeys", &Dictionary::GetKeys)
        .def("keys", &Dictionary::GetKeys)
        .def("HasKey", &Dictionary::HasKey)
        .def("__contains__", &Dictionary::HasKey)
        .def("__len__", [](const Dictionary& self) { return self.GetKeys().size(); })
        .def("__iter__", [](const Dictionary& self) { return py::iter(py::cast(self.GetKeys())); })
        .def("__getitem__", &dictionary_item)
        .def("__setitem__", &set_dictionary_item)
        .def("__str__", [](const py::object& self) { return py::str(py::dict(self)); });
}

}  // namespace otbpy
