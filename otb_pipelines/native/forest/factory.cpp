#include <itkCreateObjectFunction.h>
#include <itkObjectFactoryBase.h>
#include <itkVersion.h>

#include "forest_model.hpp"

namespace fast_forest {
namespace {

// Offers ForestModel to whoever asks ITK for a machine learning model.
class ForestFactory : public itk::ObjectFactoryBase {
  public:
    using Self = ForestFactory;
    using Superclass = itk::ObjectFactoryBase;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    // The macro hands what it makes to a smart pointer, in its own way.
    itkFactorylessNewMacro(Self);  // NOLINT(cppcoreguidelines-owning-memory)
    itkTypeMacro(ForestFactory, itk::ObjectFactoryBase);

    const char* GetITKSourceVersion() const override { return ITK_SOURCE_VERSION; }
    const char* GetDescription() const override { return "fast random forest"; }

  protected:
    ForestFactory() {
        RegisterOverride("otbMachineLearningModel", "fast_forest::ForestModel", "fast random forest", true,
                         itk::CreateObjectFunction<ForestModel>::New());
    }
};

}  // namespace
}  // namespace fast_forest

namespace {

itk::ObjectFactoryBase* the_factory() {
    static const fast_forest::ForestFactory::Pointer factory = fast_forest::ForestFactory::New();
    return factory.GetPointer();
}

}  // namespace

// What ITK calls, once in a process, in each shared library of the folders that ITK_AUTOLOAD_PATH names.
extern "C" __attribute__((visibility("default"))) itk::ObjectFactoryBase* itkLoad() {
    return the_factory();
}

// For a program that loads this library itself, at any time. First of the factories: OTB takes the first that
// can read a file.
extern "C" __attribute__((visibility("default"))) void register_fast_forest() {
    itk::ObjectFactoryBase::UnRegisterFactory(the_factory());
    itk::ObjectFactoryBase::RegisterFactory(the_factory(), itk::ObjectFactoryBase::INSERT_AT_FRONT);
}
