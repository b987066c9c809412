#include "metadata.hpp"

#include <pybind11/chrono.h>
#include <pybind11/stl.h>

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "errors.hpp"
#include "itkMetaDataObject.h"
#include "otbImageMetadata.h"
#include "otbMetaDataKey.h"

namespace py = pybind11;

namespace otbpy {
namespace {

using Base = otb::ImageMetadataBase;
using Dictionary = itk::MetaDataDictionary;

// Finds a key by name in one of OTB's tables of names and applies `function` to it.
template <class Names, class Function>
auto with_key(const Names& names, const std::string& name, Function&& function) {
    const auto found = names.right.find(name);
    using Result = decltype(function(found->second));
    return found == names.right.end() ? std::optional<Result>()
                                      : std::optional<Result>(function(found->second));
}

template <class Names>
bool has_typed(const Base& metadata, const Names& names, const std::string& name) {
    return with_key(names, name, [&](auto key) { return metadata.Has(key); }).value_or(false);
}

template <class Names>
auto get_typed(const Base& metadata, const Names& names, const std::string& name) {
    if (!has_typed(metadata, names, name)) {
        throw py::key_error("the image's metadata has no '" + name + "'");
    }
    return *with_key(names, name, [&](auto key) { return metadata[key]; });
}

std::string time_text(const otb::MetaData::TimePoint& time) {
    std::ostringstream stream;
    time.Display(stream);
    return stream.str();
}

bool has(const Base& metadata, const std::string& name) {
    using namespace otb::MetaData;
    return has_typed(metadata, MDNumNames, name) || has_typed(metadata, MDStrNames, name) ||
           has_typed(metadata, MDL1DNames, name) || has_typed(metadata, MDL2DNames, name) ||
           has_typed(metadata, MDTimeNames, name) || has_typed(metadata, MDGeomNames, name) ||
           metadata.Has(name);
}

py::object get(const Base& metadata, const std::string& name) {
    using namespace otb::MetaData;
    if (has_typed(metadata, MDNumNames, name)) {
        return py::cast(get_typed(metadata, MDNumNames, name));
    }
    if (has_typed(metadata, MDStrNames, name)) {
        return py::cast(get_typed(metadata, MDStrNames, name));
    }
    if (has_typed(metadata, MDL1DNames, name)) {
        return py::cast(get_typed(metadata, MDL1DNames, name));
    }
    if (has_typed(metadata, MDL2DNames, name)) {
        return py::cast(get_typed(metadata, MDL2DNames, name));
    }
    if (has_typed(metadata, MDTimeNames, name)) {
        return py::cast(get_typed(metadata, MDTimeNames, name));
    }
    if (metadata.Has(name)) {
        return py::cast(metadata[name]);
    }
    return py::none();
}

void set(Base& metadata, const std::string& name, const py::object& value) {
    using namespace otb::MetaData;
    const auto add = [&](const auto& names, const auto& item) {
        return with_key(names, name,
                        [&](auto key) {
                            metadata.Add(key, item);
                            return true;
                        })
            .has_value();
    };
    if (py::isinstance<py::str>(value)) {
        const auto text = value.cast<std::string>();
        if (!add(MDStrNames, text)) {
            metadata.Add(name, text);
        }
    } else if (py::isinstance<LUT1D>(value)) {
        const auto table = value.cast<LUT1D>();
        if (!add(MDL1DNames, table)) {
            metadata.Add(name, table.ToString());
        }
    } else if (py::isinstance<LUT2D>(value)) {
        const auto table = value.cast<LUT2D>();
        if (!add(MDL2DNames, table)) {
            metadata.Add(name, table.ToString());
        }
    } else if (py::isinstance<TimePoint>(value)) {
        const auto time = value.cast<TimePoint>();
        if (!add(MDTimeNames, time)) {
            metadata.Add(name, time_text(time));
        }
    } else {
        const auto number = value.cast<double>();
        if (!add(MDNumNames, number)) {
            metadata.Add(name, std::to_string(number));
        }
    }
}

std::vector<std::string> keys_of(const Base& metadata) {
    std::vector<std::string> keys;
    const auto append = [&](const auto& present, const auto& names) {
        for (const auto& item : present) {
            keys.push_back(names.left.at(item.first));
        }
    };
    append(metadata.NumericKeys, otb::MetaData::MDNumNames);
    append(metadata.StringKeys, otb::MetaData::MDStrNames);
    append(metadata.LUT1DKeys, otb::MetaData::MDL1DNames);
    append(metadata.LUT2DKeys, otb::MetaData::MDL2DNames);
    append(metadata.TimeKeys, otb::MetaData::MDTimeNames);
    append(metadata.GeometryKeys, otb::MetaData::MDGeomNames);
    for (const auto& [key, value] : metadata.ExtraKeys) {
        keys.push_back(key);
    }
    return keys;
}

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

template <class Table>
void bind_table(py::module_& module, const char* name) {
    py::class_<Table>(module, name)
        .def(py::init<>())
        .def_readwrite("Array", &Table::Array)
        .def_property_readonly("Axis",
                               [](const Table& self) {
                                   return std::vector<otb::MetaData::LUTAxis>(std::begin(self.Axis),
                                                                              std::end(self.Axis));
                               })
        .def("ToJSON", &Table::ToJSON, py::arg("multiline") = false)
        .def("ToString", &Table::ToString)
        .def("FromString", &Table::FromString)
        .def("__str__", &Table::ToString);
}

void bind_values(py::module_& module) {
    py::class_<otb::GCP>(module, "GCP")
        .def(py::init<>())
        .def_readwrite("m_Id", &otb::GCP::m_Id)
        .def_readwrite("m_Info", &otb::GCP::m_Info)
        .def_readwrite("m_GCPCol", &otb::GCP::m_GCPCol)
        .def_readwrite("m_GCPRow", &otb::GCP::m_GCPRow)
        .def_readwrite("m_GCPX", &otb::GCP::m_GCPX)
        .def_readwrite("m_GCPY", &otb::GCP::m_GCPY)
        .def_readwrite("m_GCPZ", &otb::GCP::m_GCPZ);
    using otb::MetaData::LUTAxis;
    py::class_<LUTAxis>(module, "LUTAxis")
        .def_readonly("Size", &LUTAxis::Size)
        .def_readonly("Origin", &LUTAxis::Origin)
        .def_readonly("Spacing", &LUTAxis::Spacing)
        .def_readonly("Values", &LUTAxis::Values)
        .def("ToJSON", &LUTAxis::ToJSON, py::arg("multiline") = false);
    bind_table<otb::MetaData::LUT1D>(module, "lut1d");
    bind_table<otb::MetaData::LUT2D>(module, "lut2d");
    using otb::MetaData::TimePoint;
    py::class_<TimePoint>(module, "TimePoint")
        .def(py::init([](const std::string& text) {
                 TimePoint time;
                 std::istringstream stream(text);
                 time.Read(stream);
                 return time;
             }),
             py::arg("text"))
        .def("GetYear", &TimePoint::GetYear)
        .def("GetMonth", &TimePoint::GetMonth)
        .def("GetDay", &TimePoint::GetDay)
        .def("GetHour", &TimePoint::GetHour)
        .def("GetMinute", &TimePoint::GetMinute)
        .def("GetSecond", &TimePoint::GetSecond)
        .def("GetJulianDay", &TimePoint::GetJulianDay)
        .def("__str__", &time_text)
        .def("__repr__", [](const TimePoint& self) { return "TimePoint('" + time_text(self) + "')"; })
        .def("__eq__", [](const TimePoint& self, const TimePoint& other) { return self == other; });
}

void bind_image_metadata(py::module_& module) {
    using namespace otb::MetaData;
    py::class_<Base>(module, "ImageMetadataBase")
        .def(py::init<>())
        .def("has", &has, py::arg("key"))
        .def("keys", &keys_of)
        .def("__contains__", &has)
        .def("__getitem__", &get, "The value under a key, None if there is none.")
        .def("__setitem__", &set)
        .def("is_num", [](const Base&, const std::string& key) { return MDNumNames.right.count(key) != 0; })
        .def("is_str", [](const Base&, const std::string& key) { return MDStrNames.right.count(key) != 0; })
        .def("is_l1d", [](const Base&, const std::string& key) { return MDL1DNames.right.count(key) != 0; })
        .def("is_l2d", [](const Base&, const std::string& key) { return MDL2DNames.right.count(key) != 0; })
        .def("is_time", [](const Base&, const std::string& key) { return MDTimeNames.right.count(key) != 0; })
        .def("is_geom", [](const Base&, const std::string& key) { return MDGeomNames.right.count(key) != 0; })
        .def("get_num",
             [](const Base& self, const std::string& key) { return get_typed(self, MDNumNames, key); })
        .def("get_str",
             [](const Base& self, const std::string& key) { return get_typed(self, MDStrNames, key); })
        .def("get_l1d",
             [](const Base& self, const std::string& key) { return get_typed(self, MDL1DNames, key); })
        .def("get_l2d",
             [](const Base& self, const std::string& key) { return get_typed(self, MDL2DNames, key); })
        .def("get_time",
             [](const Base& self, const std::string& key) { return get_typed(self, MDTimeNames, key); })
        .def("GetKeyListNum", &Base::GetKeyListNum)
        .def("GetKeyListStr", &Base::GetKeyListStr)
        .def("GetKeyListL1D", &Base::GetKeyListL1D)
        .def("GetKeyListTime", &Base::GetKeyListTime)
        .def("GetProjectedGeometry", &Base::GetProjectedGeometry)
        .def("GetProjectionWKT", &Base::GetProjectionWKT)
        .def("GetProjectionProj", &Base::GetProjectionProj)
        .def("GetSize", &Base::GetSize)
        .def("ToJSON", &Base::ToJSON, py::arg("multiline") = false)
        .def("__str__", [](const Base& self) { return self.ToJSON(true); });
    py::class_<otb::ImageMetadata, Base>(module, "ImageMetadata")
        .def(py::init<>())
        .def_readwrite("Bands", &otb::ImageMetadata::Bands)
        .def("GetBandNames", &otb::ImageMetadata::GetBandNames)
        .def("slice", &otb::ImageMetadata::slice, py::arg("start"), py::arg("end"))
        .def("__copy__", [](const otb::ImageMetadata& self) { return otb::ImageMetadata(self); })
        .def("__deepcopy__",
             [](const otb::ImageMetadata& self, const py::dict&) { return otb::ImageMetadata(self); });
}

void bind_dictionary(py::module_& module) {
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

// `getter(engine, key, index)` without the GIL, its result by value.
template <class Getter>
auto of_image(Getter getter) {
    return [getter](Application& self, const std::string& key, unsigned int index) {
        return self.call([&](Engine& engine) {
            if (engine.GetParameterImageBase(key, index) == nullptr) {
                throw ApplicationError(std::string(engine.GetName()) + ": no image in parameter " + key +
                                       ": set it, or call Execute() first");
            }
            return getter(engine, key, index);
        });
    };
}

}  // namespace

void bind_metadata(py::module_& module, py::class_<Application, std::shared_ptr<Application>>& type) {
    bind_values(module);
    bind_image_metadata(module);
    bind_dictionary(module);

    using Key = const std::string&;
    const auto key = py::arg("key");
    const auto index = py::arg("idx") = 0U;
    type.def("GetImageOrigin", of_image([](Engine& engine, Key name, unsigned int i) {
                 return engine.GetImageOrigin(name, i);
             }),
             key, index, "The coordinates of the centre of the first pixel.")
        .def("GetImageSpacing", of_image([](Engine& engine, Key name, unsigned int i) {
                 return engine.GetImageSpacing(name, i);
             }),
             key, index)
        .def("GetImageSize",
             of_image([](Engine& engine, Key name, unsigned int i) { return engine.GetImageSize(name, i); }),
             key, index, "Columns and rows.")
        .def("GetImageNbBands", of_image([](Engine& engine, Key name, unsigned int i) {
                 return engine.GetImageNbBands(name, i);
             }),
             key, index)
        .def("GetImageProjection", of_image([](Engine& engine, Key name, unsigned int i) {
                 return engine.GetImageProjection(name, i);
             }),
             key, index, "The coordinate system as WKT, empty if the image has none.")
        .def("GetImageBasePixelType", of_image([](Engine& engine, Key name, unsigned int i) {
                 return static_cast<int>(engine.GetImageBasePixelType(name, i));
             }),
             key, index)
        .def("GetImageRequestedRegion", of_image([](Engine& engine, Key name, unsigned int i) {
                 return engine.GetImageRequestedRegion(name, i);
             }),
             key, index)
        .def(
            "PropagateRequestedRegion",
            [](Application& self, Key name, const ImageBase::RegionType& region, unsigned int i) {
                const auto memory = of_image([&](Engine& engine, Key parameter, unsigned int position) {
                    return engine.PropagateRequestedRegion(parameter, region, position);
                })(self, name, i);
                self.request_region(name, region);
                return memory;
            },
            key, py::arg("region"), index,
            "Ask for a region of the image; arrays then hold that region alone. Returns the memory needed, "
            "in bytes.")
        .def("GetImageMetadata", of_image([](Engine& engine, Key name, unsigned int i) {
                 return otb::ImageMetadata(engine.GetImageMetadata(name, i));
             }),
             key, index)
        .def(
            "SetImageMetadata",
            [](Application& self, const otb::ImageMetadata& metadata, Key name, unsigned int i) {
                self.call([&](Engine& engine) { engine.SetImageMetadata(metadata, name, i); });
            },
            py::arg("imd"), key, index)
        .def("GetMetadataDictionary", of_image([](Engine& engine, Key name, unsigned int i) {
                 return engine.GetMetadataDictionary(name, i);
             }),
             key, index);
}

}  // namespace otbpy
