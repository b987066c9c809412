#include "array_import.hpp"

#include <pybind11/numpy.h>

#include <string>

#include "array_image.hpp"
#include "errors.hpp"
#include "otbImage.h"
#include "otbImageMetadata.h"
#include "otbVectorImage.h"
#include "otbWrapperInputImageListParameter.h"
#include "pixel_types.hpp"

namespace py = pybind11;

namespace otbpy {
namespace {

using Region = ImageBase::RegionType;

std::string shape_of(const py::array& array) {
    return py::str(array.attr("shape")).cast<std::string>();
}

// Where the pixels of an array lie on the ground.
struct Placement {
    ImageBase::PointType origin;
    ImageBase::SpacingType spacing;
    Region largest;
    Region buffered;
    const otb::ImageMetadata* metadata = nullptr;
};

Placement default_placement(const py::array& array) {
    Placement placement;
    placement.origin.Fill(0.0);
    placement.spacing.Fill(1.0);
    placement.buffered.SetIndex({{0, 0}});
    placement.buffered.SetSize({{static_cast<Region::SizeValueType>(array.shape(1)),
                                 static_cast<Region::SizeValueType>(array.shape(0))}});
    placement.largest = placement.buffered;
    return placement;
}

py::array three_dimensions(const py::array& array) {
    if (array.ndim() == 3) {
        return array;
    }
    if (array.ndim() != 2) {
        throw py::value_error("an image is an array of 2 or 3 dimensions, this one has the shape " +
                              shape_of(array));
    }
    return array.attr("reshape")(array.shape(0), array.shape(1), 1);
}

// The array's memory becomes the image's, unless NumPy must first copy it into rows, columns and bands.
template <template <class, unsigned int> class ImageTemplate, class Pixel>
ImageBase::Pointer image_of_type(const py::array& given, const Placement& placement) {
    using ImageType = ArrayImage<ImageTemplate<Pixel, 2>>;
    auto array = py::array_t<Pixel, py::array::c_style>::ensure(given);
    if (!array) {
        throw py::error_already_set();
    }
    const auto image = ImageType::New();
    image->SetNumberOfComponentsPerPixel(static_cast<unsigned int>(array.shape(2)));
    image->SetLargestPossibleRegion(placement.largest);
    image->SetRequestedRegion(placement.buffered);
    image->SetBufferedRegion(placement.buffered);
    image->SetOrigin(placement.origin);
    image->SetSignedSpacing(placement.spacing);
    // A read-only array is read through a writable pointer: OTB's filters do not write to their input images.
    auto* pixels = const_cast<Pixel*>(array.data());
    image->SetPixelContainer(
        ArrayContainer<Pixel>::of(pixels, static_cast<std::size_t>(array.size()), hold(array)));
    if (placement.metadata != nullptr) {
        auto metadata = *placement.metadata;
        metadata.Bands.resize(static_cast<std::size_t>(array.shape(2)));
        image->SetImageMetadata(metadata);
    }
    return image.GetPointer();
}

template <template <class, unsigned int> class ImageTemplate, class... Pixels>
ImageBase::Pointer image_of(const py::array& given, const Placement& placement, PixelTypes<Pixels...>) {
    const auto array = three_dimensions(given);
    ImageBase::Pointer image;
    const bool done = ((py::isinstance<py::array_t<Pixels>>(array) &&
                        (image = image_of_type<ImageTemplate, Pixels>(array, placement), true)) ||
                       ...);
    if (!done) {
        throw py::value_error(
            "OTB has no pixel type for arrays of " + py::str(given.dtype()).cast<std::string>() +
            ": convert with astype() to uint8, int16, uint16, int32, uint32, float32, float64, "
            "complex64 or complex128");
    }
    return image;
}

py::array native(const py::object& given) {
    auto array = py::array::ensure(given);
    if (!array) {
        throw py::error_already_set();
    }
    if (array.attr("dtype").attr("isnative").cast<bool>()) {
        return array;
    }
    return array.attr("astype")(array.attr("dtype").attr("newbyteorder")("="));
}

Image import_array(Application& self, const std::string& key, const py::array& array,
                   const Placement& placement, unsigned int index, Bands bands) {
    const auto pixels = three_dimensions(array);
    if (bands == Bands::one && pixels.shape(2) != 1) {
        throw py::value_error("this array has " + std::to_string(pixels.shape(2)) +
                              " bands: use SetVectorImageFromNumpyArray or ImportVectorImage");
    }
    const auto image = bands == Bands::one ? image_of<otb::Image>(pixels, placement, SharedPixels())
                                           : image_of<otb::VectorImage>(pixels, placement, SharedPixels());
    self.call([&](Engine& engine) {
        const bool list = engine.GetParameterType(key) == otb::Wrapper::ParameterType_InputImageList;
        if (list && index >= engine.GetNumberOfElementsInParameterInputImageList(key)) {
            engine.AddImageToParameterInputImageList(key, image);
        } else {
            engine.SetParameterImageBase(key, image, index);
        }
    });
    self.depend(key, nullptr);
    return {image, nullptr};
}

}  // namespace

Image set_from_array(Application& self, const std::string& key, const py::object& given, unsigned int index,
                     Bands bands) {
    const auto array = three_dimensions(native(given));
    return import_array(self, key, array, default_placement(array), index, bands);
}

void import_image(Application& self, const std::string& key, const py::dict& image, unsigned int index,
                  Bands bands) {
    if (!image.contains("array")) {
        throw py::key_error("the image has no 'array'");
    }
    const auto array = three_dimensions(native(image["array"]));
    auto placement = default_placement(array);
    if (image.contains("origin")) {
        placement.origin = image["origin"].cast<ImageBase::PointType>();
    }
    if (image.contains("spacing")) {
        placement.spacing = image["spacing"].cast<ImageBase::SpacingType>();
    }
    if (image.contains("region")) {
        const auto region = image["region"].cast<Region>();
        if (region.GetSize() != placement.buffered.GetSize()) {
            throw py::value_error("the array's shape " + shape_of(array) + " does not match its region of " +
                                  std::to_string(region.GetSize()[1]) + " rows and " +
                                  std::to_string(region.GetSize()[0]) + " columns");
        }
        placement.buffered = region;
        placement.largest = region;
    }
    if (image.contains("size")) {
        placement.largest.SetIndex({{0, 0}});
        placement.largest.SetSize(image["size"].cast<Region::SizeType>());
        if (!placement.largest.IsInside(placement.buffered)) {
            throw py::value_error("the array's region lies outside of the image's size");
        }
    }
    otb::ImageMetadata metadata;
    if (image.contains("metadata") && !image["metadata"].is_none()) {
        metadata = image["metadata"].cast<otb::ImageMetadata>();
        placement.metadata = &metadata;
    }
    import_array(self, key, array, placement, index, bands);
}

}  // namespace otbpy
