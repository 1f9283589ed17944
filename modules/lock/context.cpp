#include "modules/lock/context.h"

namespace weir {

// --- LockContext

LockContext::LockContext(LockContexts& contexts, std::string name,
                         const LockContextSettings* settings, bool own_keys)
    : contexts_(&contexts),
      name_(std::move(name)),
      value_(name_),
      settings_(settings),
      own_keys_(own_keys),
      own_statistics_(settings != nullptr || name_ == default_context
                          ? std::make_unique<LockStatistics>()
                          : nullptr),
      statistics_(own_statistics_ == nullptr ? &contexts.others_ : own_statistics_.get()) {
    if (name_ == default_context) {
        contexts.default_ = this;
    }
}

LockContext::~LockContext() {
    if (contexts_ == nullptr) {
        return;
    }
    if (own_statistics_ != nullptr) {
        contexts_->others_.add(*own_statistics_);
    }
    contexts_->contexts_.erase(name_);
    if (contexts_->default_ == this) {
        contexts_->default_ = nullptr;
    }
    if (contexts_->last_ == this) {
        contexts_->last_ = nullptr;
    }
}

// --- LockContexts

LockContexts::~LockContexts() {
    for (const auto& [name, context] : contexts_) {
        context->contexts_ = nullptr;
    }
}

LockContext* LockContexts::find(std::string_view name) const noexcept {
    const auto found = contexts_.find(name);
    return found == contexts_.end() ? nullptr : found->second;
}

Ref<LockContext> LockContexts::get(std::string_view name) {
    if (last_ != nullptr && last_->name() == name) {
        return Ref<LockContext>(last_);
    }
    if (LockContext* const found = find(name)) {
        last_ = found;
        return Ref<LockContext>(found);
    }
    Ref<LockContext> made(new LockContext(*this, std::string(name), nullptr, separate_));
    contexts_.emplace(name, made.get());
    return made;
}

bool LockContexts::keep(std::string_view name, const LockContextSettings* settings) {
    if (LockContext* const found = find(name)) {
        if (!found->has_own_keys()) {
            return false;
        }
        found->settings_ = settings;
        kept_.emplace_back(found);
        return true;
    }
    Ref<LockContext> made(new LockContext(*this, std::string(name), settings, true));
    contexts_.emplace(name, made.get());
    kept_.push_back(std::move(made));
    return true;
}

LockStatistics LockContexts::statistics() const {
    LockStatistics all = others_;
    for_each([&](const LockContext& context) {
        if (context.own_statistics_ != nullptr) {
            all.add(*context.own_statistics_);
        }
    });
    return all;
}

std::map<std::string, LockStatistics> LockContexts::statistics_by_context() const {
    std::map<std::string, LockStatistics> all;
    for_each([&](const LockContext& context) {
        if (context.own_statistics_ != nullptr) {
            all.emplace(context.name(), *context.own_statistics_);
        }
    });
    return all;
}

}  // namespace weir
