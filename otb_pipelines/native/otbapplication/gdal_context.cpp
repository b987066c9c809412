#include "gdal_context.hpp"

#include <utility>

namespace otbpy {
namespace {

void CPL_STDCALL keep(CPLErr kind, CPLErrorNum number, const char* text) {
    // Debug messages are printed in their order. A fatal error ends the process at once.
    if (kind == CE_Debug || kind == CE_Fatal) {
        CPLDefaultErrorHandler(kind, number, text);
        return;
    }
    static_cast<GdalMessages*>(CPLGetErrorHandlerUserData())->add(kind, number, text);
}

}  // namespace

void GdalMessages::add(CPLErr kind, CPLErrorNum number, const char* text) {
    const std::lock_guard<std::mutex> lock(mutex_);
    messages_.push_back({kind, number, text});
}

void GdalMessages::deliver() {
    std::vector<Message> messages;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        messages.swap(messages_);
    }
    for (const Message& message : messages) {
        CPLError(message.kind, message.number, "%s", message.text.c_str());
    }
    // The errors are delivered. The caller's next call of GDAL must not see them again.
    if (!messages.empty()) {
        CPLErrorReset();
    }
}

GdalMessagesKept::GdalMessagesKept(std::shared_ptr<GdalMessages> messages) : messages_(std::move(messages)) {
    CPLPushErrorHandlerEx(&keep, messages_.get());
}

GdalMessagesKept::~GdalMessagesKept() {
    CPLPopErrorHandler();
}

}  // namespace otbpy
