#include <pybind11/pybind11.h>

#include "application.hpp"
#include "arrays.hpp"
#include "attributes.hpp"
#include "constants.hpp"
#include "documentation.hpp"
#include "errors.hpp"
#include "geometry.hpp"
#include "images.hpp"
#include "logger.hpp"
#include "metadata.hpp"
#include "metadata_dictionary.hpp"
#include "metadata_values.hpp"
#include "parameters.hpp"
#include "registry.hpp"

namespace py = pybind11;

PYBIND11_MODULE(otbApplication, module) {
    module.doc() =
        "Applications of Orfeo ToolBox from Python: a drop-in for the module that official OTB builds bring.";

    // Debian's plug-ins are where no variable points to. Through os.environ, so that Python and OTB both see
    // it.
    py::module_::import("os").attr("environ").attr("setdefault")("OTB_APPLICATION_PATH",
                                                                 OTB_APPLICATION_FOLDER);

    otbpy::bind_errors(module);
    py::class_<otbpy::Application, std::shared_ptr<otbpy::Application>> application(
        module, "Application", "An application of OTB. Registry.CreateApplication makes it.");
    otbpy::bind_geometry(module);
    otbpy::bind_application(module, application);
    otbpy::bind_constants(module);
    otbpy::bind_attributes(module, application);
    otbpy::bind_parameters(application);
    otbpy::bind_documentation(application);
    otbpy::bind_metadata_values(module);
    otbpy::bind_image_metadata(module);
    otbpy::bind_metadata_dictionary(module);
    otbpy::bind_images(application);
    otbpy::bind_arrays(application);
    otbpy::bind_logger(module);
    otbpy::bind_registry(module);
}
