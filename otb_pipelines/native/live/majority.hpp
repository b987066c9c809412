#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace live {

// Labels of a rectangle, row by row.
struct Labels {
    std::size_t rows;
    std::size_t columns;
    std::vector<std::uint8_t> codes;
};

// Gives each pixel of a part the most frequent label in a ball of pixels around it, as
// ClassificationMapCleaning does. A tie keeps the label. Pixels without data (0), and those beyond the image,
// do not vote, and pixels without data do not change. `labels` is the part, widened on each side by the
// radius as far as there is an image. The part begins at (row, column) of the labels and has as many rows and
// columns as `part`.
void vote_by_majority(const Labels& labels, std::size_t radius, std::size_t row, std::size_t column,
                      Labels& part);

}  // namespace live
