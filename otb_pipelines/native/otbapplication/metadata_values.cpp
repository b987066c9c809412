#include "metadata_values.hpp"

#include <pybind11/chrono.h>
#include <pybind11/stl.h>

#include <locale>
#include <sstream>
#include <string>
#include <vector>

namespace py = pybind11;

namespace otbpy {
namespace {

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

void bind_gcp(py::module_& module) {
    py::class_<otb::GCP>(module, "GCP")
        .def(py::init<>())
        .def_readwrite("m_Id", &otb::GCP::m_Id)
        .def_readwrite("m_Info", &otb::GCP::m_Info)
        .def_readwrite("m_GCPCol", &otb::GCP::m_GCPCol)
        .def_readwrite("m_GCPRow", &otb::GCP::m_GCPRow)
        .def_readwrite("m_GCPX", &otb::GCP::m_GCPX)
        .def_readwrite("m_GCPY", &otb::GCP::m_GCPY)
        .def_readwrite("m_GCPZ", &otb::GCP::m_GCPZ);
}

void bind_tables(py::module_& module) {
    using otb::MetaData::LUTAxis;
    py::class_<LUTAxis>(module, "LUTAxis")
        .def_readonly("Size", &LUTAxis::Size)
        .def_readonly("Origin", &LUTAxis::Origin)
        .def_readonly("Spacing", &LUTAxis::Spacing)
        .def_readonly("Values", &LUTAxis::Values)
        .def("ToJSON", &LUTAxis::ToJSON, py::arg("multiline") = false);
    bind_table<otb::MetaData::LUT1D>(module, "lut1d");
    bind_table<otb::MetaData::LUT2D>(module, "lut2d");
}

void bind_time(py::module_& module) {
    using otb::MetaData::TimePoint;
    py::class_<TimePoint>(module, "TimePoint")
        .def(py::init([](const std::string& text) {
                 TimePoint time;
                 std::istringstream stream(text);
                 stream.imbue(std::locale::classic());
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
        .def("__str__", &text_of)
        .def("__repr__", [](const TimePoint& self) { return "TimePoint('" + text_of(self) + "')"; })
        .def("__eq__", [](const TimePoint& self, const TimePoint& other) { return self == other; });
}

}  // namespace

std::string text_of(const otb::MetaData::TimePoint& time) {
    std::ostringstream stream;
    stream.imbue(std::locale::classic());
    time.Display(stream);
    return stream.str();
}

void bind_metadata_values(py::module_& module) {
    bind_gcp(module);
    bind_tables(module);
    bind_time(module);
}

}  // namespace otbpy
