#include "majority_vote.hpp"

#include <itkImageAlgorithm.h>
#include <otbNeighborhoodMajorityVotingImageFilter.h>

namespace cleaning {

void majority_vote(const LabelImage& labels, unsigned int radius, int no_data, LabelImage& target) {
    // The input of the filter has no source, so that the filter requests nothing from the classifier.
    const LabelImage::Pointer without_source = LabelImage::New();
    without_source->Graft(&labels);
    using Filter = otb::NeighborhoodMajorityVotingImageFilter<LabelImage>;
    const Filter::Pointer filter = Filter::New();
    Filter::KernelType ball;
    Filter::RadiusType radii;
    radii.Fill(radius);
    ball.SetRadius(radii);
    ball.CreateStructuringElement();
    filter->SetInput(without_source);
    filter->SetKernel(ball);
    filter->SetLabelForNoDataPixels(no_data);
    filter->SetKeepOriginalLabelBool(true);
    const auto region = target.GetRequestedRegion();
    filter->GetOutput()->SetRequestedRegion(region);
    filter->Update();
    itk::ImageAlgorithm::Copy(filter->GetOutput(), &target, region, region);
}

}  // namespace cleaning
