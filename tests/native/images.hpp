#pragma once

#include <itkImageRegionConstIterator.h>
#include <itkImageRegionIterator.h>
#include <otbImage.h>
#include <otbVectorImage.h>

#include <cstddef>
#include <vector>

namespace images_of {

// An image of these values, row by row.
template <class Pixel>
typename otb::Image<Pixel, 2>::Pointer values(std::size_t columns, std::size_t rows,
                                              const std::vector<Pixel>& values) {
    using Image = otb::Image<Pixel, 2>;
    const auto image = Image::New();
    typename Image::RegionType region;
    region.SetSize({{columns, rows}});
    image->SetRegions(region);
    image->Allocate();
    itk::ImageRegionIterator<Image> place(image, region);
    for (const Pixel value : values) {
        place.Set(value);
        ++place;
    }
    return image;
}

// The values of an image, row by row.
template <class Image>
std::vector<typename Image::PixelType> read(const Image& image) {
    std::vector<typename Image::PixelType> values;
    itk::ImageRegionConstIterator<Image> place(&image, image.GetBufferedRegion());
    for (; !place.IsAtEnd(); ++place) {
        values.push_back(place.Get());
    }
    return values;
}

}  // namespace images_of
