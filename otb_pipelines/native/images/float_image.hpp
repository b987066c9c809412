#pragma once

#include <itkImage.h>
#include <otbImage.h>
#include <otbVectorImage.h>

#include <cstddef>

// Access to OTB's images of 32-bit floats. They are of two C++ classes: images of one band, and images of any
// number of bands. In images of any number, the bands of a pixel are side by side.
namespace images {

using AnyImage = itk::ImageBase<2>;

namespace detail {
using SingleImage = otb::Image<float, 2>;
using VectorImage = otb::VectorImage<float, 2>;
}  // namespace detail

inline bool is_float(const AnyImage& image) {
    return dynamic_cast<const detail::SingleImage*>(&image) != nullptr ||
           dynamic_cast<const detail::VectorImage*>(&image) != nullptr;
}

// The number of bands of an image of floats.
inline std::size_t bands(const AnyImage& image) {
    const auto* vector = dynamic_cast<const detail::VectorImage*>(&image);
    return vector == nullptr ? 1 : vector->GetNumberOfComponentsPerPixel();
}

// The first band of a pixel in the buffer of an image of floats.
inline const float* pixel(const AnyImage& image, const itk::Index<2>& index) {
    const auto offset = image.ComputeOffset(index);
    if (const auto* vector = dynamic_cast<const detail::VectorImage*>(&image)) {
        return vector->GetBufferPointer() + offset * vector->GetNumberOfComponentsPerPixel();
    }
    return static_cast<const detail::SingleImage&>(image).GetBufferPointer() + offset;
}

}  // namespace images
