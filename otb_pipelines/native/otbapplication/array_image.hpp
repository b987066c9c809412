#pragma once

#include <cstddef>

#include "itkImportImageContainer.h"
#include "mailbox.hpp"

namespace otbpy {

// The pixels of an image in memory that belongs to a NumPy array. It keeps the array alive.
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

// An image whose pixels come from an array. A pipeline may tell its images to release their pixels after use.
// This image keeps them, because no filter can compute them again.
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
