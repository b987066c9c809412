#pragma once

#include <otbWrapperApplication.h>
#include <otbWrapperApplicationFactory.h>

#include <memory>
#include <string>

#include "classification_filter.hpp"

namespace otb {
namespace Wrapper {

// What the applications that classify an image by the shares of its classes have in common: an image, a mask,
// a smoothing, and the maps.
class ClassificationApplication : public Application {
  public:
    using Self = ClassificationApplication;
    using Superclass = Application;

    itkTypeMacro(ClassificationApplication, otb::Wrapper::Application);

  protected:
    // Gives the classifier to use, or throws an exception.
    virtual std::shared_ptr<const classification::Classifier> classifier() = 0;

    void add_inputs(const std::string& image) {
        AddParameter(ParameterType_InputImage, "in", image);
        AddParameter(ParameterType_InputImage, "mask", "What is to be classified: not 0");
        MandatoryOff("mask");
    }

    void add_smoothing(const std::string& what) {
        AddParameter(
            ParameterType_Float, "smoothing",
            "Standard deviation in pixels of the Gaussian by which " + what + " are averaged; 0: none");
        SetDefaultParameterFloat("smoothing", 0);
        SetMinimumParameterFloatValue("smoothing", 0);
    }

    void add_maps(const std::string& confidence, const std::string& margin) {
        AddParameter(ParameterType_OutputImage, "out", "Labels, 0 where the mask is 0");
        SetDefaultOutputPixelType("out", ImagePixelType_uint8);
        AddParameter(ParameterType_OutputImage, "confmap", confidence);
        SetDefaultOutputPixelType("confmap", ImagePixelType_float);
        MandatoryOff("confmap");
        AddParameter(ParameterType_OutputImage, "marginmap", margin);
        SetDefaultOutputPixelType("marginmap", ImagePixelType_float);
        MandatoryOff("marginmap");
        AddParameter(ParameterType_OutputImage, "secondmap", "Label of the second class");
        SetDefaultOutputPixelType("secondmap", ImagePixelType_uint8);
        MandatoryOff("secondmap");
        AddRAMParameter();
        SetMultiWriting(true);
    }

    // Sets the common inputs of the filters of all classifiers.
    template <class Filter>
    void set_up(Filter& filter) {
        try {
            filter.SetClassifier(classifier());
        } catch (const std::exception& error) {
            otbAppLogFATAL(<< error.what());
        }
        filter.SetSmoothing(GetParameterFloat("smoothing"));
        filter.SetInput(GetParameterFloatVectorImage("in"));
        if (HasValue("mask")) {
            filter.SetMask(GetParameterUInt8Image("mask"));
        }
    }

    void DoUpdateParameters() override {}

    void DoExecute() override {
        filter_ = classification::ClassificationFilter::New();
        set_up(*filter_);
        SetParameterOutputImage("out", filter_->GetOutput());
        SetParameterOutputImage("confmap", filter_->GetConfidenceOutput());
        SetParameterOutputImage("marginmap", filter_->GetMarginOutput());
        SetParameterOutputImage("secondmap", filter_->GetSecondOutput());
    }

  private:
    classification::ClassificationFilter::Pointer filter_;
};

}  // namespace Wrapper
}  // namespace otb
