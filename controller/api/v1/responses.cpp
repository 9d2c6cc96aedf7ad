#include "controller/api/v1/responses.h"

#include <cerrno>
#include <utility>

#include "controller/documents/errors.h"

namespace glb::api {

namespace {

unsigned status_of(const Error &error) {
    switch (error.code) {
    case ENOENT:
        return 404;
    case EINVAL:
        return 400;
    case EBUSY:
        return 409;
    case ENOTSUP:
        return 501;
    case EAGAIN:
        return 503;
    default:
        return 500;
    }
}

} // namespace

HttpResponse ok(const nlohmann::json &document) {
    HttpResponse response;
    response.body = documents::serialize(document) + '\n';
    return response;
}

HttpResponse error_response(unsigned status, const std::vector<ApiError> &errors) {
    auto response = ok(documents::to_json(documents::Errors{errors}));
    response.status = status;
    return response;
}

HttpResponse error_response(unsigned status, std::string message) {
    return error_response(status, std::vector<ApiError>{{"", std::move(message)}});
}

HttpResponse error_response(const Error &error) {
    return error_response(status_of(error), error.message);
}

HttpResponse parameter_error(std::string_view name, std::string message) {
    return error_response(400, std::vector<ApiError>{{"/" + std::string(name), std::move(message)}});
}

} // namespace glb::api
