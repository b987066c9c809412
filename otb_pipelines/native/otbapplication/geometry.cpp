#include "geometry.hpp"

#include <array>
#include <locale>
#include <sstream>
#include <string>

#include "otbWrapperTypes.h"

namespace py = pybind11;

namespace otbpy {
namespace {

using ImageBase = otb::Wrapper::ImageBaseType;
using Region = ImageBase::RegionType;

constexpr long dimension = 2;

std::size_t position(long index) {
    const long wrapped = index < 0 ? index + dimension : index;
    if (wrapped < 0 || wrapped >= dimension) {
        throw py::index_error("index " + std::to_string(index) + " is outside of [0, 1]");
    }
    return static_cast<std::size_t>(wrapped);
}

template <class Pair>
std::string text(const Pair& pair) {
    std::ostringstream stream;
    stream.imbue(std::locale::classic());
    stream << "[" << pair[0] << ", " << pair[1] << "]";
    return stream.str();
}

template <class Pair, class Value>
void bind_pair(py::module_& module, const char* name) {
    const auto get = [](const Pair& self, long index) { return static_cast<Value>(self[position(index)]); };
    const auto set = [](Pair& self, long index, Value value) { self[position(index)] = value; };
    py::class_<Pair>(module, name)
        .def(py::init([] {
            Pair pair;
            pair.Fill(0);
            return pair;
        }))
        .def(py::init([](const py::sequence& values) {
                 if (py::len(values) != dimension) {
                     throw py::value_error("two values are wanted: x, y");
                 }
                 Pair pair;
                 pair[0] = values[0].cast<Value>();
                 pair[1] = values[1].cast<Value>();
                 return pair;
             }),
             py::arg("values"))
        .def(
            "Fill", [](Pair& self, Value value) { self.Fill(value); }, py::arg("val"))
        .def("GetElement", get, py::arg("element"))
        .def("SetElement", set, py::arg("element"), py::arg("val"))
        .def("__getitem__", get)
        .def("__setitem__", set)
        .def("__len__", [](const Pair&) { return dimension; })
        .def("__iter__",
             [](const Pair& self) {
                 return py::iter(py::make_tuple(static_cast<Value>(self[0]), static_cast<Value>(self[1])));
             })
        .def("__eq__",
             [](const Pair& self, const py::object& other) {
                 if (!py::isinstance<py::sequence>(other) && !py::isinstance<Pair>(other)) {
                     return false;
                 }
                 return py::tuple(py::make_tuple(static_cast<Value>(self[0]), static_cast<Value>(self[1])))
                     .equal(py::tuple(other));
             })
        .def("__str__", &text<Pair>)
        .def("__repr__",
             [name = std::string(name)](const Pair& self) { return name + "(" + text(self) + ")"; });
    py::implicitly_convertible<py::tuple, Pair>();
    py::implicitly_convertible<py::list, Pair>();
}

std::string text_of_region(const Region& region) {
    return "{index: " + text(region.GetIndex()) + ", size: " + text(region.GetSize()) + "}";
}

void bind_corners(py::class_<Region>& type) {
    type.def(
            "GetIndex", [](Region& self) -> Region::IndexType& { return self.GetModifiableIndex(); },
            py::return_value_policy::reference_internal)
        .def(
            "GetSize", [](Region& self) -> Region::SizeType& { return self.GetModifiableSize(); },
            py::return_value_policy::reference_internal)
        .def("GetIndex", [](const Region& self, long axis) { return self.GetIndex()[position(axis)]; })
        .def("GetSize", [](const Region& self, long axis) { return self.GetSize()[position(axis)]; })
        .def("SetIndex", [](Region& self, const Region::IndexType& index) { self.SetIndex(index); })
        .def("SetSize", [](Region& self, const Region::SizeType& size) { self.SetSize(size); })
        .def("SetIndex",
             [](Region& self, long axis, long value) { self.GetModifiableIndex()[position(axis)] = value; })
        .def("SetSize", [](Region& self, long axis,
                           unsigned long value) { self.GetModifiableSize()[position(axis)] = value; })
        .def("GetUpperIndex", &Region::GetUpperIndex)
        .def("SetUpperIndex", &Region::SetUpperIndex)
        .def("IsInside",
             [](const Region& self, const Region::IndexType& index) { return self.IsInside(index); });
}

void bind_mapping(py::class_<Region>& type) {
    type.def("keys", [](const Region&) { return py::make_tuple("index", "size"); })
        .def("__len__", [](const Region&) { return dimension; })
        .def("__getitem__",
             [](Region& self, const std::string& key) -> py::object {
                 if (key == "index") {
                     return py::cast(self.GetIndex());
                 }
                 if (key == "size") {
                     return py::cast(self.GetSize());
                 }
                 throw py::index_error("a region has 'index' and 'size', not '" + key + "'");
             })
        .def("__setitem__",
             [](Region& self, const std::string& key, const py::object& value) {
                 if (key == "index") {
                     self.SetIndex(value.cast<Region::IndexType>());
                 } else if (key == "size") {
                     self.SetSize(value.cast<Region::SizeType>());
                 } else {
                     throw py::index_error("a region has 'index' and 'size', not '" + key + "'");
                 }
             })
        .def("__eq__", [](const Region& self, const Region& other) { return self == other; })
        .def("__eq__", [](const Region&, const py::object&) { return false; })
        .def("__str__", &text_of_region)
        .def("__repr__", [](const Region& self) { return "itkRegion(" + text_of_region(self) + ")"; });
}

void bind_region(py::module_& module) {
    py::class_<Region> type(module, "itkRegion");
    type.def(py::init([] {
            Region region;
            region.SetIndex({{0, 0}});
            region.SetSize({{0, 0}});
            return region;
        }))
        .def(py::init<const Region::IndexType&, const Region::SizeType&>(), py::arg("index"),
             py::arg("size"));
    bind_corners(type);
    bind_mapping(type);
}

}  // namespace

void bind_geometry(py::module_& module) {
    bind_pair<ImageBase::SizeType, unsigned long>(module, "itkSize");
    bind_pair<ImageBase::IndexType, long>(module, "itkIndex");
    bind_pair<ImageBase::PointType, double>(module, "itkPoint");
    bind_pair<ImageBase::SpacingType, double>(module, "itkVector");
    bind_region(module);
}

}  // namespace otbpy
