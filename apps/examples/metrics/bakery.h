#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <weir/module.h>

// A module that counts what it does.
class Bakery final : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<Bakery>("bakery", "Bakes")
            .function("order", "Orders a loaf of rye", &Bakery::order)
            .counter("orders", "Orders taken", &Bakery::orders_)
            .gauge("waiting", "Orders that wait", &Bakery::waiting)
            .gauge("shelf", "Loaves by sort", &Bakery::shelf)
            .histogram("baking", "Time in the oven", &Bakery::baking_);
    }

private:
    void order() {
        ++orders_;
        ++loaves_["rye"];
        baking_.record(std::chrono::minutes(40));
    }

    std::size_t waiting() const { return queue_.size(); }
    // Several values, told apart by labels.
    void shelf(weir::MetricFamily& values) const {
        for (const auto& [sort, loaves] : loaves_) {
            values.add(loaves, {{"sort", sort}});
        }
    }

    std::uint64_t orders_ = 0;
    std::vector<std::string> queue_;
    std::map<std::string, int> loaves_;
    weir::Histogram baking_;
};
