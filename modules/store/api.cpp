#include "modules/store/api.h"

namespace weir::store {

using config::setting;
using config::settings;
using std::chrono::milliseconds;

config::Settings<StoreSettings> StoreSettings::describe() {
    using S = StoreSettings;
    return settings<S>(
        "Keeps values under keys",
        setting("file", &S::file,
                "A file in which all is kept, a database of SQLite; null: in memory only")
            .not_empty()
            .fixed(),
        setting("max_key", &S::max_key, "The longest key").range({1}, config::kibibytes(64)),
        setting("max_value", &S::max_value, "The largest value, as JSON")
            .at_most(config::mebibytes(64)),
        setting("max_size", &S::max_size, "How large all keys and values are together"));
}

config::Settings<KeyParameters> KeyParameters::describe() {
    return settings<KeyParameters>(
        "Returns the value of a key; null, with the version 0, if it has none",
        setting("key", &KeyParameters::key, "The key").not_empty().required());
}

config::Settings<SetParameters> SetParameters::describe() {
    using S = SetParameters;
    return settings<S>(
        "Gives a key a value", setting("key", &S::key, "The key").not_empty().required(),
        setting("value", &S::value, "Any JSON but null").required(),
        setting("time_to_live", &S::time_to_live, "After so long the key is gone; null: never")
            .at_least(milliseconds(1)),
        setting("if_version", &S::if_version,
                "Only if the key has this version now, and 0: only if it has no value; otherwise "
                "the error `changed`"));
}

config::Settings<DeleteParameters> DeleteParameters::describe() {
    using S = DeleteParameters;
    return settings<S>("Deletes a key; returns whether it had a value",
                       setting("key", &S::key, "The key").not_empty().required(),
                       setting("if_version", &S::if_version,
                               "Only if the key has this version now; otherwise the error "
                               "`changed`"));
}

config::Settings<AddParameters> AddParameters::describe() {
    using S = AddParameters;
    return settings<S>("Adds to the integer that a key has, or to 0; returns the sum",
                       setting("key", &S::key, "The key").not_empty().required(),
                       setting("by", &S::by, "How much"),
                       setting("time_to_live", &S::time_to_live,
                               "When the key had no value: after so long it is gone; null: never")
                           .at_least(milliseconds(1)));
}

config::Settings<PushParameters> PushParameters::describe() {
    using S = PushParameters;
    return settings<S>("Adds a value at the end of the list that a key has, or of an empty one",
                       setting("key", &S::key, "The key").not_empty().required(),
                       setting("value", &S::value, "Any JSON").required(),
                       setting("keep", &S::keep,
                               "How many values the list has then at most; the "
                               "oldest are removed")
                           .range(1, 100'000));
}

config::Settings<ScanParameters> ScanParameters::describe() {
    using S = ScanParameters;
    return settings<S>("Lists keys with their values, in the order of the keys",
                       setting("prefix", &S::prefix, "How the keys begin"),
                       setting("after", &S::after, "Only keys behind this one: to go on"),
                       setting("limit", &S::limit, "How many").range(1, 10'000));
}

config::Settings<EntryInfo> EntryInfo::describe() {
    using S = EntryInfo;
    return settings<S>(
        "A key", setting("key", &S::key, "The key"), setting("value", &S::value, "Its value"),
        setting("version", &S::version, "Grows with each change in the store; 0: no value"),
        setting("expires_in", &S::expires_in, "How long it is still there; null: for ever"));
}

config::Settings<ScanResult> ScanResult::describe() {
    using S = ScanResult;
    return settings<S>("Keys with their values",
                       setting("entries", &S::entries, "The keys, in their order"),
                       setting("more", &S::more, "Whether there are more behind them"));
}

}  // namespace weir::store
