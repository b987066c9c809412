#include "array_export.hpp"

#include <memory>
#include <string>
#include <vector>

#include "errors.hpp"
#include "otbImage.h"
#include "otbVectorImage.h"
#include "otbWrapperTypes.h"
#include "pixel_types.hpp"

namespace py = pybind11;

namespace otbpy {
namespace {

// Whether the image and one caller are the only users of the pixels, so that an array may take their memory
// over. The image must own the memory, and a filter must be there that can compute the pixels again.
template <class ImageType>
bool can_give_away(ImageType& image, const typename ImageType::PixelContainer& pixels) {
    constexpr int image_and_caller = 2;
    const bool has_other_users = pixels.GetReferenceCount() > image_and_caller;
    const bool has_filter = itk::ProcessObject::Pointer(image.GetSource()).IsNotNull();
    return !has_other_users && pixels.GetContainerManageMemory() && has_filter;
}

// The pixels of an image as an array. If nothing else can write to the pixels, the array takes their memory
// over, and the image computes them again when it is asked to. Otherwise the array is a copy.
template <class ImageType, class Pixel>
py::array buffer_of(ImageType& image) {
    using Container = typename ImageType::PixelContainer;
    typename Container::Pointer container = image.GetPixelContainer();
    const auto size = image.GetBufferedRegion().GetSize();
    const std::size_t bands = image.GetNumberOfComponentsPerPixel();
    const std::vector<std::size_t> shape = {size[1], size[0], bands};
    const std::size_t available = container->Size() * sizeof(typename Container::Element) / sizeof(Pixel);
    if (available < size[0] * size[1] * bands) {
        throw ApplicationError("the image has no pixels in memory");
    }
    auto* pixels = reinterpret_cast<Pixel*>(container->GetBufferPointer());
    if (!can_give_away(image, *container)) {
        return py::array_t<Pixel>(shape, pixels);
    }
    auto owner = std::make_unique<typename Container::Pointer>(container);
    const py::capsule keep_alive(owner.get(), [](void* held) {
        const std::unique_ptr<typename Container::Pointer> dropped(
            static_cast<typename Container::Pointer*>(held));
    });
    static_cast<void>(owner.release());
    py::array_t<Pixel> array(shape, pixels, keep_alive);
    image.ReleaseData();
    return array;
}

template <class Pixel>
py::array array_of_type(ImageBase& image) {
    if (auto* bands = dynamic_cast<otb::VectorImage<Pixel>*>(&image)) {
        return buffer_of<otb::VectorImage<Pixel>, Pixel>(*bands);
    }
    if (auto* single = dynamic_cast<otb::Image<Pixel>*>(&image)) {
        return buffer_of<otb::Image<Pixel>, Pixel>(*single);
    }
    return py::array();
}

template <class... Pixels>
py::array array_of(ImageBase& image, PixelTypes<Pixels...>) {
    py::array found;
    const bool done = ((found = array_of_type<Pixels>(image), found.ndim() == 3) || ...);
    if (done) {
        return found;
    }
    if (auto* rgb = dynamic_cast<otb::Wrapper::UInt8RGBImageType*>(&image)) {
        return buffer_of<otb::Wrapper::UInt8RGBImageType, std::uint8_t>(*rgb);
    }
    if (auto* rgba = dynamic_cast<otb::Wrapper::UInt8RGBAImageType*>(&image)) {
        return buffer_of<otb::Wrapper::UInt8RGBAImageType, std::uint8_t>(*rgba);
    }
    throw py::type_error(std::string("NumPy has no type for the pixels of this ") + image.GetNameOfClass() +
                         " (complex integers)");
}

ImageBase::Pointer output_image(Application& self, const std::string& key) {
    const ImageBase::Pointer image =
        self.call([&](Engine& engine) { return engine.GetParameterOutputImage(key); });
    if (image.IsNull()) {
        throw ApplicationError(self.name() + ": no image in parameter " + key + ": call Execute() first");
    }
    return image;
}

}  // namespace

py::array export_array(Application& self, const std::string& key) {
    const auto image = output_image(self, key);
    self.update(key, image);
    return array_of(*image, SharedPixels());
}

py::array export_single_band(Application& self, const std::string& key) {
    const auto array = export_array(self, key);
    if (array.shape(2) != 1) {
        throw py::value_error("the image in " + key + " has " + std::to_string(array.shape(2)) +
                              " bands: use GetVectorImageAsNumpyArray");
    }
    return array.attr("__getitem__")(py::make_tuple(py::ellipsis(), 0));
}

py::dict export_image(Application& self, const std::string& key) {
    py::dict image;
    image["array"] = export_array(self, key);
    const auto base = output_image(self, key);
    image["origin"] = self.call([&](Engine& engine) { return engine.GetImageOrigin(key); });
    image["spacing"] = self.call([&](Engine& engine) { return engine.GetImageSpacing(key); });
    image["size"] = self.call([&](Engine& engine) { return engine.GetImageSize(key); });
    image["region"] = base->GetRequestedRegion();
    image["metadata"] =
        self.call([&](Engine& engine) { return otb::ImageMetadata(engine.GetImageMetadata(key)); });
    return image;
}

}  // namespace otbpy
