#include "metadata.hpp"

#include <pybind11/stl.h>

#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "metadata_values.hpp"
#include "otbImageMetadata.h"

namespace py = pybind11;

namespace otbpy {
namespace {

using Base = otb::ImageMetadataBase;

// As std::to_string writes it, but with a point in any locale.
std::string six_decimals(double number) {
    // The largest double has 309 digits before the point.
    std::array<char, 384> digits{};
    const auto written =
        std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed, 6);
    return {digits.data(), written.ptr};
}

// `names` is one of OTB's tables of the names of keys, one for each type of value.
template <class Names>
bool has_typed(const Base& metadata, const Names& names, const std::string& name) {
    const auto found = names.right.find(name);
    return found != names.right.end() && metadata.Has(found->second);
}

template <class Names>
auto get_typed(const Base& metadata, const Names& names, const std::string& name) {
    const auto found = names.right.find(name);
    if (found == names.right.end() || !metadata.Has(found->second)) {
        throw py::key_error("the image's metadata has no '" + name + "'");
    }
    return metadata[found->second];
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
        const auto found = names.right.find(name);
        if (found == names.right.end()) {
            return false;
        }
        metadata.Add(found->second, item);
        return true;
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
            metadata.Add(name, text_of(time));
        }
    } else {
        const auto number = value.cast<double>();
        if (!add(MDNumNames, number)) {
            metadata.Add(name, six_decimals(number));
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

void bind_items(py::class_<Base>& type) {
    type.def(py::init<>())
        .def("has", &has, py::arg("key"))
        .def("keys", &keys_of)
        .def("__contains__", &has)
        .def("__getitem__", &get, "The value under a key, None if there is none.")
        .def("__setitem__", &set);
}

void bind_typed_items(py::class_<Base>& type) {
    using namespace otb::MetaData;
    type.def("is_num", [](const Base&, const std::string& key) { return MDNumNames.right.count(key) != 0; })
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
             [](const Base& self, const std::string& key) { return get_typed(self, MDTimeNames, key); });
}

void bind_summaries(py::class_<Base>& type) {
    type.def("GetKeyListNum", &Base::GetKeyListNum)
        .def("GetKeyListStr", &Base::GetKeyListStr)
        .def("GetKeyListL1D", &Base::GetKeyListL1D)
        .def("GetKeyListTime", &Base::GetKeyListTime)
        .def("GetProjectedGeometry", &Base::GetProjectedGeometry)
        .def("GetProjectionWKT", &Base::GetProjectionWKT)
        .def("GetProjectionProj", &Base::GetProjectionProj)
        .def("GetSize", &Base::GetSize)
        .def("ToJSON", &Base::ToJSON, py::arg("multiline") = false)
        .def("__str__", [](const Base& self) { return self.ToJSON(true); });
}

}  // namespace

void bind_image_metadata(py::module_& module) {
    py::class_<Base> base(module, "ImageMetadataBase");
    bind_items(base);
    bind_typed_items(base);
    bind_summaries(base);
    py::class_<otb::ImageMetadata, Base>(module, "ImageMetadata")
        .def(py::init<>())
        .def_readwrite("Bands", &otb::ImageMetadata::Bands)
        .def("GetBandNames", &otb::ImageMetadata::GetBandNames)
        .def("slice", &otb::ImageMetadata::slice, py::arg("start"), py::arg("end"))
        .def("__copy__", [](const otb::ImageMetadata& self) { return otb::ImageMetadata(self); })
        .def("__deepcopy__",
             [](const otb::ImageMetadata& self, const py::dict&) { return otb::ImageMetadata(self); });
}

}  // namespace otbpy
