#pragma once

#include <otbMachineLearningModel.h>

#include <memory>
#include <string>

#include "forest.hpp"

namespace fast_forest {

// A Forest as a machine learning model of OTB. It reads the models of OTB's random forest and predicts the
// same labels and confidences. Its probabilities are the share of the trees that voted for each class, in the
// order of the labels. After them comes the margin, which is the difference of the two largest shares. It
// cannot train.
class ForestModel : public otb::MachineLearningModel<float, int> {
  public:
    using Self = ForestModel;
    using Superclass = otb::MachineLearningModel<float, int>;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(ForestModel, MachineLearningModel);

    void Train() override;
    void Save(const std::string& path, const std::string& name) override;
    void Load(const std::string& path, const std::string& name) override;
    bool CanReadFile(const std::string& path) override;
    bool CanWriteFile(const std::string& path) override;

  protected:
    ForestModel();
    ~ForestModel() override = default;

  private:
    TargetSampleType DoPredict(const InputSampleType& input, ConfidenceValueType* confidence,
                               ProbaSampleType* shares) const override;
    void DoPredictBatch(const InputListSampleType* input, const unsigned int& first,
                        const unsigned int& count, TargetListSampleType* targets,
                        ConfidenceListSampleType* confidences, ProbaListSampleType* shares) const override;

    const float* checked(const InputSampleType& input) const;
    ProbaSampleType shares_of(const std::uint32_t* votes) const;

    std::unique_ptr<const Forest> forest_;
};

}  // namespace fast_forest
