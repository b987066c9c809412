#include "arrays.hpp"

#include <pybind11/numpy.h>

#include <complex>
#include <string>
#include <vector>

#include "array_image.hpp"
#include "errors.hpp"
#include "metadata.hpp"
#include "otbImage.h"
#include "otbImageCommons.h"
#include "otbVectorImage.h"
#include "otbWrapperTypes.h"

namespace py = pybind11;

namespace otbpy {
namespace {

using Region = ImageBase::RegionType;

template <class... Pixels>
struct PixelTypes {};

// All pixel types that both OTB and NumPy know.
using SharedPixels = PixelTypes<std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, float,
                                double, std::complex<float>, std::complex<double>>;

std::string shape_of(const py::array& array) {
    return py::str(array.attr("shape")).cast<std::string>();
}

// The buffer of an image as an array. The array takes the buffer over when nothing else can write to it: the
// image then computes its pixels again if it is asked to. Otherwise it is a copy.
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
    const int references_of_ours = 2;
    const bool sole_owner = container->GetReferenceCount() == references_of_ours &&
                            container->GetContainerManageMemory() &&
                            itk::ProcessObject::Pointer(image.GetSource()).IsNotNull();
    if (!sole_owner) {
        return py::array_t<Pixel>(shape, pixels);
    }
    auto owner = std::make_unique<typename Container::Pointer>(container);
    const py::capsule keep_alive(owner.get(), [](void* held) {
        const std::unique_ptr<typename Container::Pointer> dropped(
            static_cast<typename Container::Pointer*>(held));
    });
    owner.release();
    const py::array_t<Pixel> array(shape, pixels, keep_alive);
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
    const auto array = py::array::ensure(given);
    if (!array) {
        throw py::error_already_set();
    }
    if (array.attr("dtype").attr("isnative").cast<bool>()) {
        return array;
    }
    return array.attr("astype")(array.attr("dtype").attr("newbyteorder")("="));
}

Image import_array(Application& self, const std::string& key, const py::array& array,
                   const Placement& placement, unsigned int index, bool single_band) {
    const auto pixels = three_dimensions(array);
    if (single_band && pixels.shape(2) != 1) {
        throw py::value_error("this array has " + std::to_string(pixels.shape(2)) +
                              " bands: use SetVectorImageFromNumpyArray or ImportVectorImage");
    }
    const auto image = single_band ? image_of<otb::Image>(pixels, placement, SharedPixels())
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

Image set_from_array(Application& self, const std::string& key, const py::object& given, unsigned int index,
                     bool single_band) {
    const auto array = three_dimensions(native(given));
    return import_array(self, key, array, default_placement(array), index, single_band);
}

void import_image(Application& self, const std::string& key, const py::dict& image, unsigned int index,
                  bool single_band) {
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
    import_array(self, key, array, placement, index, single_band);
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

void bind_arrays(py::module_&, py::class_<Application, std::shared_ptr<Application>>& type) {
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
               unsigned int position) { return set_from_array(self, parameter, array, position, true); },
            key, py::arg("npArray"), index, "Read the parameter from an array of one band, without a copy.")
        .def(
            "SetVectorImageFromNumpyArray",
            [](Application& self, const std::string& parameter, const py::object& array,
               unsigned int position) { return set_from_array(self, parameter, array, position, false); },
            key, py::arg("npArray"), index,
            "Read the parameter from an array of (rows, columns[, bands]), without a copy if it is "
            "contiguous.")
        .def(
            "ImportImage",
            [](Application& self, const std::string& parameter, const py::dict& image,
               unsigned int position) { import_image(self, parameter, image, position, true); },
            key, py::arg("pyImg"), index, "Read the parameter from what ExportImage gave, of one band.")
        .def(
            "ImportVectorImage",
            [](Application& self, const std::string& parameter, const py::dict& image,
               unsigned int position) { import_image(self, parameter, image, position, false); },
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
