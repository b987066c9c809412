#include <otbWrapperApplication.h>
#include <otbWrapperApplicationFactory.h>
#include <otbWrapperInputImageListParameter.h>

#include <iterator>
#include <locale>
#include <sstream>
#include <string>
#include <vector>

#include "strip_writer.hpp"

namespace otb {
namespace Wrapper {
namespace {

template <class Word>
std::vector<Word> words(const std::string& text) {
    std::istringstream stream(text);
    stream.imbue(std::locale::classic());
    return {std::istream_iterator<Word>(stream), std::istream_iterator<Word>()};
}

}  // namespace

// Writes images of several sizes in one pass.
class StackWriting : public Application {
  public:
    using Self = StackWriting;
    using Superclass = Application;
    using Pointer = itk::SmartPointer<Self>;
    using ConstPointer = itk::SmartPointer<const Self>;

    itkNewMacro(Self);
    itkTypeMacro(StackWriting, otb::Wrapper::Application);

  private:
    void DoInit() override {
        SetName("StackWriting");
        SetDescription("Writes images of several sizes to the bands of several files in one pass");
        SetDocLongDescription(
            "Pulls images of one place strip by strip, each from the top to the bottom at the same pace. "
            "Images that "
            "are made from the same file, though on different grids, thus read it once: its blocks are still "
            "in "
            "GDAL's cache. Overviews are averages. Values that a band of whole numbers does not hold are "
            "clipped; "
            "its metadata item CLIPPED counts them.");
        SetDocLimitations("Images of one band. The factor of an overview must divide the rows of a strip.");
        SetDocAuthors("alcd_otb");
        SetDocSeeAlso("ConcatenateImages");
        AddDocTag("Miscellaneous");

        AddParameter(ParameterType_InputImageList, "il", "Images, in the order of files and bands");
        AddParameter(ParameterType_StringList, "files", "GeoTIFFs to make");
        AddParameter(ParameterType_StringList, "like",
                     "Rasters of the size, bands and metadata of each of the files");
        AddParameter(ParameterType_StringList, "options",
                     "Options for the making of each of the files, with spaces between them");
        AddParameter(ParameterType_StringList, "overviews",
                     "Factors of the overviews of each of the files, with spaces between them");
        AddParameter(ParameterType_StringList, "counts", "How many images go to each of the files");
        AddParameter(ParameterType_Int, "rows", "Rows of a strip, of the file with the fewest");
        SetDefaultParameterInt("rows", 64);
        SetMinimumParameterIntValue("rows", 1);
        AddRAMParameter();
    }

    void DoUpdateParameters() override {}

    void DoExecute() override {
        auto* images = dynamic_cast<InputImageListParameter*>(GetParameterByKey("il"));
        const std::vector<std::string> files = GetParameterStringList("files");
        const auto of_files = [&](const char* key) {
            std::vector<std::string> values = GetParameterStringList(key);
            if (values.size() != files.size()) {
                itkExceptionMacro(<< files.size() << " files, and " << values.size() << " values of " << key);
            }
            return values;
        };
        const std::vector<std::string> like = of_files("like");
        const std::vector<std::string> options = of_files("options");
        const std::vector<std::string> overviews = of_files("overviews");
        const std::vector<std::string> counts = of_files("counts");
        const auto writer = writing::StripWriter::New();
        std::size_t next = 0;
        for (std::size_t file = 0; file < files.size(); ++file) {
            writer->AddFile(files[file], like[file], words<std::string>(options[file]),
                            words<int>(overviews[file]));
            for (std::size_t end = next + std::stoul(counts[file]); next < end; ++next) {
                if (next == images->Size()) {
                    itkExceptionMacro(<< "there are only " << images->Size() << " images");
                }
                writer->AddLayer(images->GetNthElement(next)->GetImage());
            }
        }
        writer->SetRows(GetParameterInt("rows"));
        AddProcess(writer, "StackWriting");
        writer->Write();
    }
};

}  // namespace Wrapper
}  // namespace otb

OTB_APPLICATION_EXPORT(otb::Wrapper::StackWriting)
