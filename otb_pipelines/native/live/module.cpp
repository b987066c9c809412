// The Python module otb_pipelines._live: training and classification on arrays in memory, without OTB.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

#include "feature_blocks.hpp"
#include "grown_forest.hpp"
#include "logistic/regression.hpp"
#include "logistic/training.hpp"
#include "map_making.hpp"
#include "share_planes.hpp"

namespace py = pybind11;

namespace {

// Arrays are not converted: an array of another type, or with gaps, is refused.
template <class Number>
using Array = py::array_t<Number, py::array::c_style>;

// Whether a computation is to end early. Any thread may set it.
struct Stop {
    std::atomic<bool> is_set{false};
};

constexpr std::uintptr_t alignment = 64;

live::FeatureBlocks blocks_of(const Array<float>& blocks, const Array<std::uint8_t>& valid) {
    if (blocks.ndim() != 4 || blocks.shape(3) != static_cast<py::ssize_t>(live::block_pixels) ||
        reinterpret_cast<std::uintptr_t>(blocks.data()) % alignment != 0) {
        throw std::invalid_argument("the features are not in blocks of 64 pixels, or not aligned");
    }
    const auto side = static_cast<py::ssize_t>(live::block_side);
    if (valid.ndim() != 2 || valid.shape(0) != blocks.shape(0) * side ||
        valid.shape(1) != blocks.shape(1) * side) {
        throw std::invalid_argument("the mask has another size than the blocks");
    }
    return {blocks.data(), static_cast<std::size_t>(blocks.shape(0)),
            static_cast<std::size_t>(blocks.shape(1)), static_cast<std::size_t>(blocks.shape(2)),
            valid.data()};
}

bool store(const Array<float>& tile, std::size_t row, std::size_t column, Array<float>& blocks) {
    const auto side = live::block_side;
    if (tile.ndim() != 3 || blocks.ndim() != 4 || tile.shape(0) != blocks.shape(2) || row % side != 0 ||
        column % side != 0 ||
        row + static_cast<std::size_t>(tile.shape(1)) > static_cast<std::size_t>(blocks.shape(0)) * side ||
        column + static_cast<std::size_t>(tile.shape(2)) > static_cast<std::size_t>(blocks.shape(1)) * side) {
        throw std::invalid_argument("the tile does not fit the blocks");
    }
    const live::Tile source{tile.data(), static_cast<std::size_t>(tile.shape(0)),
                            static_cast<std::size_t>(tile.shape(1)), static_cast<std::size_t>(tile.shape(2))};
    const auto across = static_cast<std::size_t>(blocks.shape(1));
    float* target = blocks.mutable_data();
    const py::gil_scoped_release released;
    return live::store(source, row, column, across, target);
}

live::LabelledPixels labelled(const Array<float>& values, const Array<int>& codes) {
    if (values.ndim() != 2 || codes.ndim() != 1 || values.shape(0) != codes.shape(0)) {
        throw std::invalid_argument("the pixels and their classes differ in number");
    }
    return {values.data(), codes.data(), static_cast<std::size_t>(values.shape(0)),
            static_cast<std::size_t>(values.shape(1))};
}

// parameters: trees, depth, least, tried and seed, as those of RandomForestTraining.
std::shared_ptr<fast_forest::Forest> grow(const Array<float>& values, const Array<int>& codes,
                                          const std::array<std::size_t, 5>& parameters,
                                          const std::array<std::size_t, 2>& range, std::size_t threads,
                                          const Stop& stop) {
    const live::LabelledPixels pixels = labelled(values, codes);
    const auto [trees, depth, least, tried, seed] = parameters;
    const py::gil_scoped_release released;
    try {
        auto forest = std::make_shared<fast_forest::Forest>(
            live::grow_forest(pixels, {trees, depth, least, tried, static_cast<std::uint32_t>(seed)},
                              {range[0], range[1]}, threads, stop.is_set));
        return stop.is_set ? nullptr : forest;
    } catch (const std::invalid_argument&) {
        if (stop.is_set) {
            // A forest with missing trees is not returned.
            return nullptr;
        }
        throw;
    }
}

std::shared_ptr<logistic::Regression> train_regression(const Array<float>& values, const Array<int>& codes,
                                                       double strength) {
    const live::LabelledPixels given = labelled(values, codes);
    const py::gil_scoped_release released;
    const logistic::Pixels pixels{given.features,
                                  {given.values, given.values + given.count * given.features},
                                  {given.codes, given.codes + given.count}};
    return std::make_shared<logistic::Regression>(logistic::train(pixels, strength));
}

template <class Share, class Classifier>
bool add(live::SharePlanes<Share>& planes, const Classifier& classifier, const Array<float>& blocks,
         const Array<std::uint8_t>& valid, std::size_t threads, const Stop& stop) {
    const live::FeatureBlocks features = blocks_of(blocks, valid);
    const py::gil_scoped_release released;
    return planes.add(classifier, features, threads, stop.is_set);
}

template <class Share>
py::object make_maps(const live::SharePlanes<Share>& planes, const live::MapSettings& settings,
                     const std::array<std::size_t, 2>& size, std::size_t threads, const Stop& stop) {
    const std::array<std::size_t, 2> shape{planes.window().rows, planes.window().columns};
    Array<std::uint8_t> labels(shape);
    Array<float> confidence(shape);
    Array<float> margin(shape);
    Array<std::uint8_t> second(shape);
    const live::WindowMaps maps{labels.mutable_data(), confidence.mutable_data(), margin.mutable_data(),
                                second.mutable_data()};
    bool is_done = false;
    {
        const py::gil_scoped_release released;
        is_done = live::make_maps(planes, settings, {size[0], size[1]}, maps, threads, stop.is_set);
    }
    return is_done ? py::object(py::make_tuple(labels, confidence, margin, second)) : py::none();
}

// The module otbApplication turns the errors of every module into its own. These come before.
void translate(std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const std::invalid_argument& error) {
        PyErr_SetString(PyExc_ValueError, error.what());
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    }
}

template <class Share, class Classifier>
void bind_planes(py::module_& module, const char* name) {
    using Planes = live::SharePlanes<Share>;
    py::class_<Planes>(module, name)
        .def(py::init([](const std::array<std::size_t, 4>& window, std::size_t reach, std::size_t classes) {
                 return std::make_unique<Planes>(live::Window{window[0], window[1], window[2], window[3]},
                                                 reach, classes);
             }),
             py::arg("window"), py::arg("reach"), py::arg("classes"))
        .def("add", &add<Share, Classifier>, py::arg("classifier"), py::arg("blocks").noconvert(),
             py::arg("valid").noconvert(), py::arg("threads"), py::arg("stop"))
        .def("maps", &make_maps<Share>, py::arg("settings"), py::arg("size"), py::arg("threads"),
             py::arg("stop"));
}

}  // namespace

PYBIND11_MODULE(_live, module) {
    module.doc() = "Training and classification on arrays in memory, without OTB and without Python's lock.";
    py::register_local_exception_translator(&translate);
    py::class_<Stop>(module, "Stop")
        .def(py::init<>())
        .def("set", [](Stop& stop) { stop.is_set = true; })
        .def_property_readonly("is_set", [](const Stop& stop) { return stop.is_set.load(); });
    py::class_<fast_forest::Forest, std::shared_ptr<fast_forest::Forest>>(module, "Forest")
        .def_property_readonly("labels", &fast_forest::Forest::labels)
        .def_property_readonly("trees", &fast_forest::Forest::trees);
    py::class_<logistic::Regression, std::shared_ptr<logistic::Regression>>(module, "Regression")
        .def_property_readonly("labels", &logistic::Regression::labels);
    py::class_<live::MapSettings>(module, "MapSettings")
        .def(py::init([](std::vector<int> labels, float whole, float smoothing, std::size_t majority,
                         bool stepped) {
                 return live::MapSettings{std::move(labels), whole, smoothing, majority, stepped};
             }),
             py::arg("labels"), py::arg("whole"), py::arg("smoothing"), py::arg("majority"),
             py::arg("stepped"));
    module.def("store", &store, py::arg("tile").noconvert(), py::arg("row"), py::arg("column"),
               py::arg("blocks").noconvert());
    module.def("grow", &grow, py::arg("values").noconvert(), py::arg("codes").noconvert(),
               py::arg("parameters"), py::arg("range"), py::arg("threads"), py::arg("stop"));
    module.def("train_regression", &train_regression, py::arg("values").noconvert(),
               py::arg("codes").noconvert(), py::arg("strength"));
    module.def("reach_of", &live::reach_of, py::arg("smoothing"), py::arg("majority"));
    bind_planes<std::uint16_t, fast_forest::Forest>(module, "VotePlanes");
    bind_planes<float, logistic::Regression>(module, "FractionPlanes");
}
