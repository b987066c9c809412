#pragma once

#include <cstddef>

#include "itkImportImageContainer.h"
#include "mailbox.hpp"

namespace otbpy {

// The pixels of an image, in memory that belongs to a NumPy array; the array lives as long as any image uses
// it.
template <class Pixel>
class ArrayContainer : public itk::ImportImageContainer<itk::SizeValueType, Pixel> {
  public:
    using Self = ArrayContainer;
    using Superclass = itk::ImportImageContainer<itk::SizeValueType, Pixel>;
    using Pointer = itk::SmartPointer<Self>;
    itkNewMacro(Self);

    static Pointer of(Pixel* pixels, std::size_t count, PythonReference array) {
        const auto container = New();
        container->array_ = std::move(array);
        container->SetImportPointer(pixels, count, false);
        return container;
    }

  private:
    PythonReference array_;
};

// An image whose pixels come from an array. No filter can compute them again, so it keeps them when a
// pipeline tells its images to release their data after use.
template <class ImageType>
class ArrayImage : public ImageType {
  public:
    using Self = ArrayImage;
    using Superclass = ImageType;
    using Pointer = itk::SmartPointer<Self>;
    itkNewMacro(Self);

    void Initialize() override {}
};

}  // namespace otbpy
