#pragma once

#include <otbImage.h>

namespace cleaning {

using LabelImage = otb::Image<int, 2>;

// Gives each pixel of the requested region of `target` the most frequent label of a ball around it.
//
// `labels` holds at least the pixels that the ball reaches from that region, as far as the image has them;
// its edge is not replicated. The radius is in pixels. A tie keeps the label of the pixel. The label
// `no_data` neither votes nor changes.
void majority_vote(const LabelImage& labels, unsigned int radius, int no_data, LabelImage& target);

}  // namespace cleaning
