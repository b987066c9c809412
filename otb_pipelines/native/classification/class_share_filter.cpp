#include "class_share_filter.hpp"

#include <algorithm>

namespace classification {

void ClassShareFilter::GenerateOutputInformation() {
    Superclass::GenerateOutputInformation();
    GetOutput()->SetNumberOfComponentsPerPixel(static_cast<unsigned int>(classifier().classes()));
}

void ClassShareFilter::write_row(const RowShares& row, const Region& region) {
    const std::size_t classes = classifier().classes();
    const FeatureImage::IndexType start{{row.column, row.row}};
    float* values = GetOutput()->GetBufferPointer() +
                    static_cast<std::size_t>(GetOutput()->ComputeOffset(start)) * classes;
    std::fill_n(values, region.GetSize(0) * classes, 0.0F);
    for (std::size_t pixel = 0; pixel < row.places.size(); ++pixel) {
        for (std::size_t kind = 0; kind < classes; ++kind) {
            values[row.places[pixel] * classes + kind] =
                row.shares[pixel * classes + kind] / classifier().whole();
        }
    }
}

}  // namespace classification
