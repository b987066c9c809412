#include "images.hpp"

#include <pybind11/stl.h>

#include <string>

#include "errors.hpp"
#include "otbImageMetadata.h"

namespace py = pybind11;

namespace otbpy {
namespace {

using Type = py::class_<Application, std::shared_ptr<Application>>;
using Key = const std::string&;

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

void bind_properties(Type& type) {
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
             key, index);
}

void bind_regions(Type& type) {
    const auto key = py::arg("key");
    const auto index = py::arg("idx") = 0U;
    type.def("GetImageRequestedRegion", of_image([](Engine& engine, Key name, unsigned int i) {
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
            "in bytes.");
}

void bind_metadata(Type& type) {
    const auto key = py::arg("key");
    const auto index = py::arg("idx") = 0U;
    type.def("GetImageMetadata", of_image([](Engine& engine, Key name, unsigned int i) {
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

}  // namespace

void bind_images(Type& type) {
    bind_properties(type);
    bind_regions(type);
    bind_metadata(type);
}

}  // namespace otbpy
