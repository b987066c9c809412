#include "classification_filter.hpp"

#include <algorithm>
#include <cmath>

namespace classification {
namespace {

// Shares are rounded to 1/200. A confidence map of few different values is small on disk, and its median is
// fast.
constexpr float steps = 200;

// The beginning of a row of an output, all 0.
template <class Image>
typename Image::PixelType* cleared(Image* image, const RowShares& row, std::size_t columns) {
    auto* values =
        image->GetBufferPointer() + image->ComputeOffset(typename Image::IndexType{{row.column, row.row}});
    std::fill_n(values, columns, typename Image::PixelType{0});
    return values;
}

// The largest share of the other classes, and the first of equal ones.
const float* second_of(const float* shares, const float* first, const float* end) {
    const float* before = std::max_element(shares, first);
    const float* after = std::max_element(first + 1, end);
    return before != first && (after == end || *before >= *after) ? before : after;
}

}  // namespace

ClassificationFilter::ClassificationFilter() {
    SetNumberOfRequiredOutputs(4);
    for (unsigned int output = 1; output < 4; ++output) {
        SetNthOutput(output, MakeOutput(output));
    }
}

itk::ProcessObject::DataObjectPointer ClassificationFilter::MakeOutput(DataObjectPointerArraySizeType index) {
    switch (index) {
        case 1:
            return ConfidenceImage::New().GetPointer();
        case 2:
            return ShareImage::New().GetPointer();
        default:
            return LabelImage::New().GetPointer();
    }
}

ClassificationFilter::ConfidenceImage* ClassificationFilter::GetConfidenceOutput() {
    return static_cast<ConfidenceImage*>(itk::ProcessObject::GetOutput(1));
}

ClassificationFilter::ShareImage* ClassificationFilter::GetMarginOutput() {
    return static_cast<ShareImage*>(itk::ProcessObject::GetOutput(2));
}

ClassificationFilter::LabelImage* ClassificationFilter::GetSecondOutput() {
    return static_cast<LabelImage*>(itk::ProcessObject::GetOutput(3));
}

void ClassificationFilter::write_row(const RowShares& row, const Region& region) {
    const std::size_t columns = region.GetSize(0);
    int* labels = cleared(GetOutput(), row, columns);
    double* confidences = cleared(GetConfidenceOutput(), row, columns);
    float* margins = cleared(GetMarginOutput(), row, columns);
    int* seconds = cleared(GetSecondOutput(), row, columns);
    const std::vector<int>& codes = classifier().labels();
    const float whole = classifier().whole();
    for (std::size_t pixel = 0; pixel < row.places.size(); ++pixel) {
        const float* shares = row.shares.data() + pixel * codes.size();
        const float* end = shares + codes.size();
        const float* first = std::max_element(shares, end);
        const std::size_t place = row.places[pixel];
        labels[place] = row.pixels.empty() ? codes[static_cast<std::size_t>(first - shares)]
                                           : classifier().label(row.pixels[pixel], shares);
        confidences[place] = told(*first / whole);
        if (codes.size() == 1) {
            margins[place] = 1;
            continue;
        }
        const float* second = second_of(shares, first, end);
        margins[place] = told((*first - *second) / whole);
        seconds[place] = codes[static_cast<std::size_t>(second - shares)];
    }
}

float ClassificationFilter::told(float share) const {
    const bool is_of_votes = classifier().has_few_values() && !smooths();
    return is_of_votes ? share : std::round(share * steps) / steps;
}

}  // namespace classification
